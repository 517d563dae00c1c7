#include "loaders/safetensors/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "ops/error.h"

namespace longhand {
namespace {

using nlohmann::json;

constexpr std::size_t kMostTensors = std::size_t{1} << 20;
constexpr std::size_t kMostNumbers = 64;  // of a list; more dimensions than any tensor has
constexpr std::string_view kMetadata = "__metadata__";

/// Takes the header while it is parsed: a document of it would be many times as large.
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}
  std::vector<HeaderTensor> result() { return std::move(tensors_); }

  bool start_object(std::size_t) override {
    if (depth_ == 2 || in_list_) refuse("an object");
    if (++depth_ == 2) fields_.clear();
    return true;
  }
  bool key(std::string& name) override {
    if (depth_ == 1) return begin_entry(name);
    if (!in_metadata_ && std::ranges::find(kFields, name) == std::end(kFields))
      refuse(fmt::format("a field '{}'", name));
    if (!fields_.insert(name).second)
      throw Error(Errc::duplicate, fmt::format("{}: '{}' appears twice in the header", place(), name));
    field_ = name;
    return true;
  }
  bool end_object() override {
    if (depth_-- == 2 && !in_metadata_ && fields_.size() != std::size(kFields))
      throw Error(Errc::corrupt,
                  fmt::format("{}: the header must give dtype, shape and data_offsets", place()));
    return true;
  }
  bool string(std::string& value) override {
    if (depth_ == 2 && in_metadata_) return true;
    if (depth_ != 2 || in_list_ || field_ != kFields[0]) refuse("a text");
    tensors_.back().type = value;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || in_list_ || field_ == kFields[0]) refuse("a list");
    in_list_ = true;
    numbers_.clear();
    return true;
  }
  bool number_unsigned(std::uint64_t value) override {
    if (!in_list_ || numbers_.size() == kMostNumbers) refuse("a number");
    numbers_.push_back(value);
    return true;
  }
  bool end_array() override {
    in_list_ = false;
    HeaderTensor& tensor = tensors_.back();
    if (field_ == kFields[1]) {
      tensor.shape = numbers_;
      return true;
    }
    if (numbers_.size() != 2)
      throw Error(Errc::corrupt,
                  fmt::format("{}: data_offsets has {} numbers, must have 2", place(), numbers_.size()));
    tensor.begin = numbers_[0];
    tensor.end = numbers_[1];
    return true;
  }
  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("true or false"); }
  bool number_integer(std::int64_t) override { refuse("a negative number"); }
  bool number_float(double, const std::string&) override { refuse("a fraction"); }
  bool binary(json::binary_t&) override { refuse("bytes"); }
  bool parse_error(std::size_t at, const std::string&, const json::exception&) override {
    throw Error(Errc::corrupt, fmt::format("{}: the header is not JSON at its byte {}", file_, at));
  }

 private:
  static constexpr std::string_view kFields[] = {"dtype", "shape", "data_offsets"};

  std::string place() const {
    if (depth_ == 0 || names_.empty()) return file_;
    return fmt::format("{}: '{}'", file_, escape_controls(name_, 200));
  }
  [[noreturn]] void refuse(std::string_view what) const {
    throw Error(Errc::corrupt, fmt::format("{}: the header has {} where none belongs", place(), what));
  }
  bool begin_entry(const std::string& name) {
    name_ = name;
    if (!names_.insert(name).second)
      throw Error(Errc::duplicate, fmt::format("{}: the header has this name twice", place()));
    in_metadata_ = name == kMetadata;
    if (in_metadata_) return true;
    if (tensors_.size() == kMostTensors)
      throw Error(Errc::limit, fmt::format("{}: more than {} tensors", file_, kMostTensors));
    tensors_.emplace_back().name = name;
    return true;
  }

  const std::string& file_;
  std::vector<HeaderTensor> tensors_;
  std::unordered_set<std::string> names_, fields_;  // of the file, of the entry
  std::vector<std::uint64_t> numbers_;              // of the list
  std::string name_, field_;
  int depth_ = 0;
  bool in_metadata_ = false, in_list_ = false;
};

}  // namespace

std::vector<HeaderTensor> parse_safetensors_header(std::string_view text, const std::string& file) {
  HeaderReader reader(file);
  json::sax_parse(text.begin(), text.end(), &reader);
  return reader.result();
}

}  // namespace longhand
