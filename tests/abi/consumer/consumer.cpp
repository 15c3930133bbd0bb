#include <sporkle.h>

#include <array>
#include <iostream>

int main() {
  const std::array<float, 9> x = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::array<float, 4> w = {1, 0, 0, 2};
  std::array<float, 4> y = {};
  sporkle_context context = nullptr;
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 1, 1, 3, 3, 1, 2, 1, 0);
  sporkle_status status = sporkle_context_create(nullptr, &context);
  if (status == SPORKLE_OK) {
    status = sporkle_conv2d(context, 0, &desc, x.data(), w.data(), nullptr, nullptr, y.data(),
                            nullptr);
  }
  sporkle_context_destroy(context);
  std::cout << sporkle_status_name(status);
  for (const float value : y) std::cout << ' ' << value;
  std::cout << '\n';
  return status != SPORKLE_OK;
}
