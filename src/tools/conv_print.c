#include "tools/conv_print.h"

#include <math.h>
#include <string.h>

const char *conv_device_note(const sporkle_device_info *device) {
  if (device->flags & SPORKLE_DEVICE_SIMULATED) return "simulated, no hardware";
  if (device->flags & SPORKLE_DEVICE_SOFTWARE) return "software, not a hardware figure";
  return "";
}

static bool is_simulated(const sporkle_device_info *device) {
  return (device->flags & SPORKLE_DEVICE_SIMULATED) != 0;
}

void conv_print_device(FILE *stream, const sporkle_device_info *device) {
  const char *note = conv_device_note(device);
  fprintf(stream, "%-11s %s: %s%s%s%s%s%s%s\n", "device", device->spec, device->name,
          device->driver[0] ? " (" : "", device->driver, device->driver[0] ? ")" : "",
          note[0] ? " [" : "", note, note[0] ? "]" : "");
}

static void print_times(FILE *stream, const ConvOutcome *o) {
  if (isnan(o->ms_median)) return;
  if (is_simulated(&o->device)) {
    fprintf(stream, "%-11s not reported: the device is simulated\n", "time");
    return;
  }
  fprintf(stream,
          "%-11s %.4g ms median of %d, %.4g ms best, %.4g ms first call, %.4g ms preparation\n",
          "time", o->ms_median, o->repeat, o->ms_min, o->ms_first, o->ms_plan);
  if (!isnan(o->ms_device_median)) {
    fprintf(stream, "%-11s %.4g ms median by the device's clock\n", "", o->ms_device_median);
  }
  double gflops = conv_gflops(o);
  const char *note = conv_device_note(&o->device);
  if (!isnan(gflops)) {
    fprintf(stream, "%-11s %.4g GFLOP/s%s%s\n", "rate", gflops, note[0] ? ", " : "", note);
  } else {
    fprintf(stream, "%-11s not quoted without verification (--verify)\n", "rate");
  }
}

void conv_print_text(FILE *stream, const ConvCase *conv, const ConvOutcome *o) {
  conv_print_device(stream, &o->device);
  fprintf(stream, "%-11s %s\n", "problem", conv->text);
  if (o->algorithm[0]) fprintf(stream, "%-11s %s\n", "algorithm", o->algorithm);
  print_times(stream, o);
  if (!o->checked) {
    fprintf(stream, "%-11s not checked (--verify)\n", "error");
    return;
  }
  fprintf(stream, "%-11s %.3g relative L2, %.3g largest, over %lld of %lld outputs: %s\n",
          "error", o->error.rel_l2, o->error.max_abs, (long long)o->error.compared,
          (long long)o->outputs, o->verified ? "verified" : "WRONG");
}

void conv_print_table_head(FILE *stream, int layer_width) {
  fprintf(stream, "%-*s %-40s %10s %10s  %s\n", layer_width, "layer", "device", "ms",
          "GFLOP/s", "error");
}

// A column: a number, or "-" when there is none.
static void print_cell(FILE *stream, double value, int decimals) {
  char text[32] = "-";
  if (!isnan(value)) snprintf(text, sizeof text, "%.*f", decimals, value);
  fprintf(stream, " %10s", text);
}

void conv_print_table_row(FILE *stream, const ConvCase *conv, const ConvOutcome *o,
                          int layer_width) {
  char device[256];
  const char *layer = conv->problem.name[0] ? conv->problem.name : conv->text;
  snprintf(device, sizeof device, "%s%s%s", o->device.spec, o->device.name[0] ? ": " : "",
           o->device.name);
  fprintf(stream, "%-*s %-40.40s", layer_width, layer, device);
  print_cell(stream, is_simulated(&o->device) ? NAN : o->ms_median, 3);
  print_cell(stream, conv_gflops(o), 1);
  if (o->message[0]) {
    fprintf(stream, "  %s\n", o->message);
    return;
  }
  if (o->checked) {
    fprintf(stream, "  %.1e", o->error.rel_l2);
  } else {
    fprintf(stream, "  not checked");
  }
  const char *note = conv_device_note(&o->device);
  fprintf(stream, "%s%s\n", note[0] ? "  " : "", note);
}

static const char *activation_name(int32_t activation) {
  return activation == SPORKLE_ACTIVATION_RELU    ? "relu"
         : activation == SPORKLE_ACTIVATION_CLAMP ? "clamp"
                                                  : "none";
}

void conv_print_problem_json(JsonWriter *writer, const ConvCase *conv) {
  const sporkle_conv2d_desc *d = &conv->desc;
  json_string(writer, "problem", conv->text);
  json_string(writer, "name", conv->problem.name[0] ? conv->problem.name : NULL);
  json_bool(writer, "bias", (d->flags & SPORKLE_CONV2D_BIAS) != 0);
  json_bool(writer, "residual", (d->flags & SPORKLE_CONV2D_RESIDUAL) != 0);
  json_string(writer, "activation", activation_name(d->activation));
}

void conv_print_device_json(JsonWriter *writer, const sporkle_device_info *device,
                            const char *algorithm) {
  json_string(writer, "device", device->spec[0] ? device->spec : NULL);
  json_string(writer, "device_name", device->name[0] ? device->name : NULL);
  json_string(writer, "driver", device->driver[0] ? device->driver : NULL);
  json_bool(writer, "software", (device->flags & SPORKLE_DEVICE_SOFTWARE) != 0);
  json_bool(writer, "simulated", is_simulated(device));
  json_string(writer, "algorithm", algorithm[0] ? algorithm : NULL);
}

void conv_print_json(JsonWriter *writer, const ConvCase *conv, const ConvOutcome *o,
                     const char *output) {
  json_object_begin(writer, NULL);
  conv_print_problem_json(writer, conv);
  conv_print_device_json(writer, &o->device, o->algorithm);
  json_number(writer, "ms_plan", o->ms_plan);
  json_number(writer, "ms_first", o->ms_first);
  json_number(writer, "ms_median", o->ms_median);
  json_number(writer, "ms_min", o->ms_min);
  json_number(writer, "ms_device_median", o->ms_device_median);
  json_integer(writer, "repeat", o->repeat);
  json_number(writer, "flops", o->flops);
  json_number(writer, "gflops", conv_gflops(o));
  json_number(writer, "rel_l2_error", o->checked ? o->error.rel_l2 : NAN);
  json_number(writer, "max_error", o->checked ? o->error.max_abs : NAN);
  json_bool(writer, "verified", o->verified);
  json_integer(writer, "verified_outputs", o->verified ? o->error.compared : 0);
  json_integer(writer, "outputs", o->outputs);
  json_string(writer, "output", output);
  json_string(writer, "error", o->message[0] ? o->message : NULL);
  json_object_end(writer);
}
