#include <dnnl.hpp>
#include <unordered_map>

#include "runner.h"

namespace bench {

namespace {

using dnnl::memory;
using Tag = memory::format_tag;

memory::desc plain(const memory::dims& dims, Tag tag) {
  return {dims, memory::data_type::f32, tag};
}

class OnednnRunner final : public Runner {
 public:
  OnednnRunner(Kind kind, const sporkle_conv2d_desc& d, const Tensors& tensors)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    const int64_t out_h =
        (d.h + d.padding_top + d.padding_bottom - d.dilation_h * (d.kernel_h - 1) - 1) /
            d.stride_h + 1;
    const int64_t out_w =
        (d.w + d.padding_left + d.padding_right - d.dilation_w * (d.kernel_w - 1) - 1) /
            d.stride_w + 1;
    const memory::dims source{d.n, d.c, d.h, d.w}, target{d.n, d.k, out_h, out_w};
    const bool grouped = d.groups > 1;
    const memory::dims filter =
        grouped ? memory::dims{d.groups, d.k / d.groups, d.c / d.groups, d.kernel_h, d.kernel_w}
                : memory::dims{d.k, d.c, d.kernel_h, d.kernel_w};
    const Tag layout = kind == Kind::onednn_nchw ? Tag::nchw : Tag::any;
    const auto algorithm = kind == Kind::onednn_winograd ? dnnl::algorithm::convolution_winograd
                                                         : dnnl::algorithm::convolution_direct;
    // Its dilation counts the gaps: 0 is dense.
    const dnnl::convolution_forward::desc operation(
        dnnl::prop_kind::forward_inference, algorithm,
        plain(source, layout), plain(filter, Tag::any), plain(target, layout),
        {d.stride_h, d.stride_w}, {d.dilation_h - 1, d.dilation_w - 1},
        {d.padding_top, d.padding_left}, {d.padding_bottom, d.padding_right});
    const auto chosen = implementation(operation);
    algorithm_ = chosen.impl_info_str();
    user_input_ = memory(plain(source, Tag::nchw), engine_, const_cast<float*>(tensors.input));
    user_output_ = memory(plain(target, Tag::nchw), engine_, tensors.output);
    input_ = matching(user_input_, chosen.src_desc());
    output_ = matching(user_output_, chosen.dst_desc());
    prepare_weights(plain(filter, grouped ? Tag::goihw : Tag::oihw), chosen, tensors.weights);
    convolution_ = dnnl::convolution_forward(chosen);
    convert_input_ = dnnl::reorder(user_input_, input_);
    convert_output_ = dnnl::reorder(output_, user_output_);
  }

  void run() override {
    if (input_ != user_input_) convert_input_.execute(stream_, user_input_, input_);
    convolution_.execute(stream_, {{DNNL_ARG_SRC, input_},
                                   {DNNL_ARG_WEIGHTS, weights_},
                                   {DNNL_ARG_DST, output_}});
    if (output_ != user_output_) convert_output_.execute(stream_, output_, user_output_);
    stream_.wait();
  }
  std::string algorithm() const override { return algorithm_; }

 private:
  dnnl::convolution_forward::primitive_desc implementation(
      const dnnl::convolution_forward::desc& operation) const {
    try {
      return {operation, engine_};
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_unimplemented) throw Absent("oneDNN does not implement it");
      throw;
    }
  }

  memory matching(const memory& user, const memory::desc& wanted) const {
    return user.get_desc() == wanted ? user : memory(wanted, engine_);
  }

  void prepare_weights(const memory::desc& layout,
                       const dnnl::convolution_forward::primitive_desc& chosen,
                       const float* weights) {
    memory user(layout, engine_, const_cast<float*>(weights));
    weights_ = memory(chosen.weights_desc(), engine_);
    dnnl::reorder(user, weights_).execute(stream_, user, weights_);
    stream_.wait();
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  memory user_input_, user_output_, input_, output_, weights_;
  dnnl::convolution_forward convolution_;
  dnnl::reorder convert_input_, convert_output_;
  std::string algorithm_;
};

}  // namespace

std::unique_ptr<Runner> make_onednn(Kind kind, const sporkle_conv2d_desc& desc,
                                    const Tensors& tensors) {
  return std::make_unique<OnednnRunner>(kind, desc, tensors);
}

}  // namespace bench
