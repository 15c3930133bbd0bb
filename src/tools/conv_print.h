// The outcome of a case: as text, as a table row, as JSON.
#pragma once

#include <stdio.h>

#include "tools/conv_run.h"
#include "tools/json.h"

void conv_print_text(FILE *stream, const ConvCase *conv, const ConvOutcome *outcome);

// `layer_width` is the width of the first column.
void conv_print_table_head(FILE *stream, int layer_width);
void conv_print_table_row(FILE *stream, const ConvCase *conv, const ConvOutcome *outcome,
                          int layer_width);

// An object; `output` is the path written, or NULL.
void conv_print_json(JsonWriter *writer, const ConvCase *conv, const ConvOutcome *outcome,
                     const char *output);
