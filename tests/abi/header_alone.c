/* Compiled alone as C and as C++: the header needs nothing before it, and every
 * initialiser fits its struct without a missing field. */
#include <sporkle.h>

extern const int header_alone;
const int header_alone = 1;

void use_initialisers(void);
void use_initialisers(void) {
  sporkle_context_desc context = SPORKLE_CONTEXT_DESC_INIT;
  sporkle_option_info option = SPORKLE_OPTION_INFO_INIT;
  sporkle_device_info device = SPORKLE_DEVICE_INFO_INIT;
  sporkle_property property = SPORKLE_PROPERTY_INIT;
  sporkle_unavailable_info unavailable = SPORKLE_UNAVAILABLE_INFO_INIT;
  sporkle_conv2d_desc conv2d = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
  sporkle_plan_info plan = SPORKLE_PLAN_INFO_INIT;
  sporkle_sequence_step step = SPORKLE_SEQUENCE_STEP_INIT;
  sporkle_buffer_desc buffer = SPORKLE_BUFFER_DESC_INIT;
  sporkle_buffer_info buffer_info = SPORKLE_BUFFER_INFO_INIT;
  sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
  sporkle_executor_desc executor = SPORKLE_EXECUTOR_DESC_INIT;
  sporkle_executor_info executor_info = SPORKLE_EXECUTOR_INFO_INIT;
  sporkle_slot slot = SPORKLE_SLOT_INIT;
  sporkle_stats stats = SPORKLE_STATS_INIT;
  sporkle_pm4_info pm4 = SPORKLE_PM4_INFO_INIT;
  (void)context, (void)option, (void)device, (void)property, (void)unavailable, (void)conv2d;
  (void)info, (void)result, (void)plan, (void)buffer, (void)buffer_info, (void)bindings;
  (void)executor, (void)executor_info, (void)slot, (void)stats, (void)pm4, (void)step;
}
