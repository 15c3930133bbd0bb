// One implementation set up for one problem, inside an entrant's process.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "entrant.h"
#include "sporkle.h"

namespace bench {

class Runner {
 public:
  virtual ~Runner() = default;
  // One convolution, complete on return. Throws std::exception on failure.
  virtual void run() = 0;
  virtual std::string algorithm() const = 0;
  // FLOPs or bytes of one run, where the problem does not say it.
  virtual double work() const { return 0; }
};

struct Tensors {
  const float* input;
  const float* weights;
  float* output;
};

// The implementation or the machine cannot take the problem at all.
class Absent : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `kind` names one of ours.
std::unique_ptr<Runner> make_sporkle(Kind kind, const sporkle_conv2d_desc& desc, int threads,
                                     const Tensors& tensors);

// `kind` names one of oneDNN's. Weights are prepared beforehand; conversions
// from and to NCHW are in the timed part.
std::unique_ptr<Runner> make_onednn(Kind kind, const sporkle_conv2d_desc& desc,
                                    const Tensors& tensors);

// `kind` names a property of the machine; `weights_bytes` is what weights_read
// reads.
std::unique_ptr<Runner> make_machine(Kind kind, int threads, const float* weights,
                                     uint64_t weights_bytes);

}  // namespace bench
