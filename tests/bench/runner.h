// One implementation set up for one problem, inside an entrant's process.
#pragma once

#include <memory>
#include <string>

#include "sporkle.h"

namespace bench {

class Runner {
 public:
  virtual ~Runner() = default;
  // One convolution, complete on return. Throws std::exception on failure.
  virtual void run() = 0;
  virtual std::string algorithm() const = 0;
};

struct Tensors {
  const float* input;
  const float* weights;
  float* output;
};

std::unique_ptr<Runner> make_sporkle(const sporkle_conv2d_desc& desc, int threads,
                                     const Tensors& tensors);

// `any`: the layouts that oneDNN prefers, with conversions from and to NCHW in
// the timed part; else plain NCHW. Weights are prepared beforehand either way.
std::unique_ptr<Runner> make_onednn(const sporkle_conv2d_desc& desc, bool any,
                                    const Tensors& tensors);

}  // namespace bench
