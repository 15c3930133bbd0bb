// Devices, what is not usable, and settings: as text and as JSON.
#pragma once

#include <stdio.h>

#include "sporkle.h"
#include "tools/json.h"

void print_devices(FILE *stream, sporkle_context context);
void print_unavailable(FILE *stream, sporkle_context context);
void print_options(FILE *stream, sporkle_context context);

void print_devices_json(JsonWriter *writer, sporkle_context context);
void print_unavailable_json(JsonWriter *writer, sporkle_context context);
void print_options_json(JsonWriter *writer, sporkle_context context);
