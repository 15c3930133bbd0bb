// Devices: what there is and why something is not.
#include <cstdio>

#include "api/boundary.h"
#include "core/context.h"

using namespace sporkle;

sporkle_status sporkle_device_count(sporkle_context context, uint32_t* out_count) {
  return boundary("sporkle_device_count", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    checked_out(out_count, "out_count") = pin->context->device_count();
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_device_describe(sporkle_context context, uint32_t device,
                                       sporkle_device_info* out_info) {
  return boundary("sporkle_device_describe", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    check_out_struct(out_info, "out_info");
    sporkle_device_info info{};
    pin->context->checked_device(device).describe(&info);
    info.index = device;
    if (device == pin->context->default_device()) info.flags |= SPORKLE_DEVICE_DEFAULT;
    write_struct(info, out_info);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_device_property(sporkle_context context, uint32_t device, uint32_t index,
                                       sporkle_property* out_property) {
  return boundary("sporkle_device_property", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    check_out_struct(out_property, "out_property");
    const Device& target = pin->context->checked_device(device);
    sporkle_device_info info{};
    target.describe(&info);
    if (index >= info.property_count) {
      fail(SPORKLE_ERROR_INVALID_ARGUMENT, "index: %u, but there are %u properties", index,
           info.property_count);
    }
    sporkle_property property{};
    target.property(index, &property);
    write_struct(property, out_property);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_device_find(sporkle_context context, const char* spec,
                                   uint32_t* out_device) {
  return boundary("sporkle_device_find", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    checked_out(out_device, "out_device");
    if (spec == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "spec: null");
    *out_device = pin->context->find_device(spec, "spec");
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_unavailable_count(sporkle_context context, uint32_t* out_count) {
  return boundary("sporkle_unavailable_count", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    checked_out(out_count, "out_count") =
        static_cast<uint32_t>(pin->context->unavailable().size());
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_unavailable_describe(sporkle_context context, uint32_t index,
                                            sporkle_unavailable_info* out_info) {
  return boundary("sporkle_unavailable_describe", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    check_out_struct(out_info, "out_info");
    const auto& list = pin->context->unavailable();
    if (index >= list.size()) {
      fail(SPORKLE_ERROR_INVALID_ARGUMENT, "index: %u, but there are %zu entries", index,
           list.size());
    }
    sporkle_unavailable_info info{};
    std::snprintf(info.backend, sizeof info.backend, "%s", list[index].backend);
    std::snprintf(info.id, sizeof info.id, "%s", list[index].id);
    std::snprintf(info.reason, sizeof info.reason, "%s", list[index].reason);
    std::snprintf(info.cure, sizeof info.cure, "%s", list[index].cure);
    write_struct(info, out_info);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_null_control(sporkle_context context, uint32_t device, uint32_t command,
                                    uint64_t value, uint64_t count) {
  return boundary("sporkle_null_control", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    pin->context->checked_device(device).control(command, value, count);
    return SPORKLE_OK;
  });
}
