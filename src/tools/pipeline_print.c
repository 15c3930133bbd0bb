#include "tools/pipeline_print.h"

#include <math.h>

#include "tools/conv_print.h"

static const char *mode_name(PipelineMode mode) {
  return mode == PIPELINE_SYNC ? "sync" : "async";
}

static const char *device_time_name(DeviceTime kind) {
  return kind == DEVICE_TIME_CLOCK  ? "device clock"
         : kind == DEVICE_TIME_WAIT ? "submit and wait"
                                    : NULL;
}

static void print_utilisation(FILE *stream, const PipelineOptions *options,
                              const PipelineOutcome *o) {
  double utilisation = pipeline_utilisation(o, options);
  if (isnan(utilisation)) return;
  fprintf(stream, "%-11s %.3g %%: a batch alone takes %.4g ms (%s)\n", "utilisation",
          100 * utilisation, o->device_ms, device_time_name(o->device_time));
}

static void print_times(FILE *stream, const PipelineOptions *options, const PipelineOutcome *o) {
  if (isnan(o->wall_ms)) return;
  if (o->device.flags & SPORKLE_DEVICE_SIMULATED) {
    fprintf(stream, "%-11s not reported: the device is simulated\n", "time");
  } else {
    const char *note = conv_device_note(&o->device);
    double gflops = pipeline_gflops(o, options);
    fprintf(stream, "%-11s %.4g ms, %.4g ms per batch, median of %d passes\n", "time",
            o->wall_ms, o->wall_ms / (double)options->batches, o->passes);
    if (!isnan(gflops)) {
      fprintf(stream, "%-11s %.4g GFLOP/s%s%s\n", "rate", gflops, note[0] ? ", " : "", note);
    } else {
      fprintf(stream, "%-11s not quoted without verification (--verify)\n", "rate");
    }
    print_utilisation(stream, options, o);
  }
  fprintf(stream, "%-11s %llu bytes by the CPU, %llu bytes by the device, %llu map calls\n",
          "copied", (unsigned long long)o->cpu_copied_bytes,
          (unsigned long long)o->gpu_copied_bytes, (unsigned long long)o->map_calls);
}

void pipeline_print_text(FILE *stream, const ConvCase *conv, const PipelineOptions *options,
                         const PipelineOutcome *o) {
  conv_print_device(stream, &o->device);
  fprintf(stream, "%-11s %s\n", "problem", conv->text);
  if (o->algorithm[0]) fprintf(stream, "%-11s %s\n", "algorithm", o->algorithm);
  fprintf(stream, "%-11s %s, %lld batches, %u slots\n", "pipeline", mode_name(options->mode),
          (long long)options->batches, options->slots);
  print_times(stream, options, o);
  if (!o->checked) {
    fprintf(stream, "%-11s not checked (--verify)\n", "error");
    return;
  }
  fprintf(stream, "%-11s %.3g relative L2 in the worst batch, over %lld of %lld outputs: %s\n",
          "error", o->error.rel_l2, (long long)o->error.compared, (long long)o->outputs,
          o->verified ? "verified" : "WRONG");
}

void pipeline_print_json(JsonWriter *writer, const ConvCase *conv,
                         const PipelineOptions *options, const PipelineOutcome *o) {
  json_object_begin(writer, NULL);
  conv_print_problem_json(writer, conv);
  conv_print_device_json(writer, &o->device, o->algorithm);
  json_string(writer, "mode", mode_name(options->mode));
  json_integer(writer, "batches", options->batches);
  json_integer(writer, "slots", options->slots);
  json_integer(writer, "passes", o->passes);
  json_number(writer, "wall_ms", o->wall_ms);
  json_number(writer, "ms_per_op", o->wall_ms / (double)options->batches);
  json_number(writer, "flops", o->flops);
  json_number(writer, "gflops", pipeline_gflops(o, options));
  json_number(writer, "device_ms", o->device_ms);
  json_string(writer, "device_time", device_time_name(o->device_time));
  json_number(writer, "utilisation", pipeline_utilisation(o, options));
  json_integer(writer, "cpu_copied_bytes", (int64_t)o->cpu_copied_bytes);
  json_integer(writer, "gpu_copied_bytes", (int64_t)o->gpu_copied_bytes);
  json_integer(writer, "map_calls", (int64_t)o->map_calls);
  json_number(writer, "rel_l2_error", o->checked ? o->error.rel_l2 : NAN);
  json_number(writer, "max_error", o->checked ? o->error.max_abs : NAN);
  json_bool(writer, "verified", o->verified);
  json_integer(writer, "verified_outputs", o->verified ? o->error.compared : 0);
  json_integer(writer, "outputs", o->outputs);
  json_string(writer, "error", o->message[0] ? o->message : NULL);
  json_object_end(writer);
}
