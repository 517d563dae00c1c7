#include "tests/support/lora.h"

#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>

#include "engine/api/access.h"
#include "engine/forward/model.h"
#include "loaders/model/tensors/matrix_names.h"
#include "ops/half.h"

namespace longhand::test {
namespace {

class Maker {
 public:
  Maker(const std::string& architecture, const LoraMaker& maker) : m_(maker), random_(maker.seed) {
    w_.add("general.type", "adapter").add("general.architecture", architecture).add("adapter.type", "lora");
    if (m_.alpha != 0) w_.add("adapter.lora.alpha", m_.alpha);
  }

  // `experts` 0: two dimensions.
  void add(const std::string& name, std::uint64_t in, std::uint64_t out, std::uint64_t experts) {
    if (!m_.wanted(name)) return;
    const auto rank = std::uint64_t(m_.rank);
    tensor(name + ".lora_a", {in, rank}, experts, 1 / std::sqrt(double(in)));
    tensor(name + ".lora_b", {rank, out}, experts, 0.3);
  }
  void add_embedding(std::uint64_t hidden, std::uint64_t vocab) {
    const std::string name = "token_embd.weight";
    if (!m_.wanted(name)) return;
    const auto rank = std::uint64_t(m_.rank);
    tensor(name + ".lora_a", {rank, vocab}, 0, 0.1);
    tensor(name + ".lora_b", {rank, hidden}, 0, 0.1);
  }
  GgufWriter take() { return std::move(w_); }

 private:
  void tensor(const std::string& name, std::vector<std::uint64_t> dims, std::uint64_t experts,
              double spread) {
    if (experts > 0) dims.push_back(experts);
    std::uint64_t count = 1;
    for (const std::uint64_t dim : dims) count *= dim;
    std::normal_distribution<float> draw(0, float(spread));
    std::string data;
    for (std::uint64_t i = 0; i < count; ++i) {
      const float value = draw(random_);
      const std::string_view type = format_info(m_.format).name;
      data += type == "F32"   ? encode(value)
              : type == "F16" ? encode(f32_to_f16(value))
                              : encode(f32_to_bf16(value));
    }
    w_.tensor(name, dims, format_info(m_.format).gguf, data);
  }

  const LoraMaker& m_;
  GgufWriter w_;
  std::mt19937 random_;
};

std::vector<double> values_of(const TensorInfo& t) {
  const auto format = FormatId(find_format(t.type_id));
  const std::size_t cols = t.dims[0], rows = t.dims[1] * t.dims[2] * t.dims[3];
  std::vector<float> values(rows * cols);
  decode_rows(format, t.data.data(), std::int64_t(rows), std::int64_t(cols), values.data());
  return {values.begin(), values.end()};
}

// One pair; the tensor's floats lie at `to`. W(o, i) += factor sum over j of b(o, j) a(j, i).
void merge(const TensorInfo& w, const TensorInfo& a, const TensorInfo& b, double factor, std::byte* to) {
  const bool embedding = w.name == "token_embd.weight";
  const std::vector<double> as = values_of(a), bs = values_of(b);
  const std::size_t in = w.dims[0], out = w.dims[1], rank = b.dims[0];
  for (std::size_t e = 0; e < w.dims[2]; ++e) {
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < rank; ++j)
          sum += embedding ? as[o * rank + j] * bs[i * rank + j]
                           : bs[(e * out + o) * rank + j] * as[(e * rank + j) * in + i];
        float value = 0;
        std::byte* at = to + ((e * out + o) * in + i) * sizeof value;
        std::memcpy(&value, at, sizeof value);
        value = float(double(value) + factor * sum);
        std::memcpy(at, &value, sizeof value);
      }
    }
  }
}

}  // namespace

GgufWriter random_lora(const Model& model, const LoraMaker& how) {
  const ModelData& m = model_data(model);
  Maker maker(std::string(m.file.architecture()), how);
  const auto has = [&](const std::string& name) { return m.file.find_tensor(name) != nullptr; };
  for (const NamedMatrix& matrix : name_matrices(m.config, m.weights, has))
    maker.add(matrix.name, std::uint64_t(matrix.in), std::uint64_t(matrix.out),
              std::uint64_t(matrix.experts));
  maker.add_embedding(std::uint64_t(m.config.hidden), std::uint64_t(m.config.vocab));
  return maker.take();
}

GgufWriter random_lora(const std::string& architecture, const std::vector<LoraTensor>& tensors,
                       const LoraMaker& how) {
  Maker maker(architecture, how);
  for (const LoraTensor& t : tensors) maker.add(t.name, t.in, t.out, 0);
  return maker.take();
}

void merge_into(std::vector<std::byte>& model, const std::vector<std::byte>& adapter, double scale) {
  const Gguf base = Gguf::parse(model, "base"), lora = Gguf::parse(adapter, "adapter");
  const double alpha = lora.get_float(key::lora_alpha).value_or(0);
  for (const TensorInfo& b : lora.tensors()) {
    if (!b.name.ends_with(".lora_b")) continue;
    const std::string name(b.name.substr(0, b.name.size() - 7));
    const TensorInfo* w = base.find_tensor(name);
    const TensorInfo* a = lora.find_tensor(name + ".lora_a");
    if (w == nullptr || a == nullptr || w->type_id != 0) throw std::runtime_error("cannot merge " + name);
    const double factor = scale * (alpha == 0 ? 1 : alpha / double(b.dims[0]));
    merge(*w, *a, b, factor, model.data() + (w->data.data() - model.data()));
  }
}

}  // namespace longhand::test
