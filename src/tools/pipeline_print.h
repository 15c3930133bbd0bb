// The outcome of a pipeline, as text and as JSON.
#pragma once

#include <stdio.h>

#include "tools/json.h"
#include "tools/pipeline_run.h"

void pipeline_print_text(FILE *stream, const ConvCase *conv, const PipelineOptions *options,
                         const PipelineOutcome *outcome);
void pipeline_print_json(JsonWriter *writer, const ConvCase *conv,
                         const PipelineOptions *options, const PipelineOutcome *outcome);
