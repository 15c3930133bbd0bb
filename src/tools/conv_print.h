// The outcome of a case: as text, as a table row, as JSON.
#pragma once

#include <stdio.h>

#include "tools/conv_run.h"
#include "tools/json.h"

// The line that names the device and says whether its times are hardware's.
void conv_print_device(FILE *stream, const sporkle_device_info *device);

// "software, not a hardware figure", "simulated, no hardware", or empty.
const char *conv_device_note(const sporkle_device_info *device);

void conv_print_text(FILE *stream, const ConvCase *conv, const ConvOutcome *outcome);

// `layer_width` is the width of the first column.
void conv_print_table_head(FILE *stream, int layer_width);
void conv_print_table_row(FILE *stream, const ConvCase *conv, const ConvOutcome *outcome,
                          int layer_width);

// An object; `output` is the path written, or NULL.
void conv_print_json(JsonWriter *writer, const ConvCase *conv, const ConvOutcome *outcome,
                     const char *output);

// The fields that say what ran where, into the object that is open.
void conv_print_problem_json(JsonWriter *writer, const ConvCase *conv);
void conv_print_device_json(JsonWriter *writer, const sporkle_device_info *device,
                            const char *algorithm);
