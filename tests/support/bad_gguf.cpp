#include "tests/support/bad_gguf.h"

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

namespace longhand::test {
namespace {

using Change = std::function<void(GgufWriter&)>;

constexpr std::uint32_t kArray = std::uint32_t(ValueType::array);
constexpr std::uint32_t kU32 = std::uint32_t(ValueType::u32);
constexpr std::uint32_t kString = std::uint32_t(ValueType::string);
constexpr std::uint32_t kF32 = 0, kF16 = 1, kQ8_0 = 8;
constexpr std::uint64_t k2p31 = 1ULL << 31, k2p32 = 1ULL << 32, k2p61 = 1ULL << 61, k2p62 = 1ULL << 62,
                        k2p63 = 1ULL << 63;
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
const std::uint64_t kHuge[] = {k2p31, k2p32, k2p61, k2p62, k2p63 - 1, k2p63, kMax - 7, kMax};

class Corpus {
 public:
  /// The small good file with one change.
  void add(const std::string& name, Errc code, const std::string& says, const Change& change) {
    GgufWriter writer = small_gguf();
    change(writer);
    files_.push_back({name, code, says, writer.build()});
  }
  void add_bytes(const std::string& name, Errc code, const std::string& says, const std::string& bytes) {
    files_.push_back({name, code, says, bytes});
  }
  /// The small good file with one more tensor.
  void add_tensor(const std::string& name, Errc code, const std::string& says, GgufWriter::Tensor tensor) {
    add(name, code, says, [&](GgufWriter& w) { w.tensors.push_back(std::move(tensor)); });
  }
  std::vector<BadFile> take() { return std::move(files_); }

 private:
  std::vector<BadFile> files_;
};

void add_headers(Corpus& corpus) {
  const std::string good = small_gguf().build();
  corpus.add_bytes("empty_file", Errc::truncated, "empty", "");
  for (std::size_t n = 1; n < 24; ++n) {
    corpus.add_bytes(fmt::format("only_{}_bytes", n), Errc::truncated, "left", good.substr(0, n));
  }
  const std::pair<std::string, std::string> magics[] = {
      {"FUGG", "'FUGG'"},       {"gguf", "'gguf'"},       {std::string(4, '\0'), "\\x00\\x00\\x00\\x00"},
      {"tjgg", "older format"}, {"lmgg", "older format"}, {"PK\x03\x04", "zip archive"},
      {"vers", "Git LFS"},      {"<!DO", "web page"},     {"\xFF\xFE\x1B[", "\\xff\\xfe\\x1b["},
  };
  int number = 0;
  for (const auto& [magic, says] : magics) {
    corpus.add(fmt::format("magic_{}", number++), Errc::magic, says,
               [&start = magic](GgufWriter& w) { w.magic = start; });
  }
  for (const std::uint32_t version : {0U, 1U, 4U, 5U, 255U, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
    corpus.add(fmt::format("version_{}", version), Errc::version, "must be 2 or 3",
               [&](GgufWriter& w) { w.version = version; });
  }
  for (const std::uint32_t version : {0x02000000U, 0x03000000U}) {
    corpus.add(fmt::format("big_endian_{}", version >> 24), Errc::version, "big-endian file",
               [&](GgufWriter& w) { w.version = version; });
  }
}

void add_counts(Corpus& corpus) {
  for (const std::uint64_t n : kHuge) {
    corpus.add(fmt::format("keys_{}", n), Errc::limit, fmt::format("{}", n),
               [&](GgufWriter& w) { w.key_count = n; });
    corpus.add(fmt::format("tensors_{}", n), Errc::limit, fmt::format("{}", n),
               [&](GgufWriter& w) { w.tensor_count = n; });
  }
  corpus.add("keys_over_limit", Errc::limit, "65536", [](GgufWriter& w) { w.key_count = 65537; });
  corpus.add("keys_over_file", Errc::truncated, "left", [](GgufWriter& w) { w.key_count = 65536; });
  corpus.add("tensors_over_limit", Errc::limit, "262144", [](GgufWriter& w) { w.tensor_count = 262145; });
  corpus.add("tensors_over_file", Errc::truncated, "left", [](GgufWriter& w) { w.tensor_count = 262144; });
  // Products of a count and the size of some structure that wrap to a small number.
  for (const std::uint64_t size : {8U, 16U, 24U, 32U, 40U, 48U, 56U, 64U, 80U, 88U, 368U}) {
    for (const std::uint64_t extra : {0U, 1U}) {
      corpus.add(fmt::format("tensors_wrap_{}_{}", size, extra), Errc::limit, "number of tensors",
                 [&](GgufWriter& w) { w.tensor_count = kMax / size + extra; });
    }
  }
  // One more and one less than there are: whatever follows is read as the wrong thing.
  corpus.add("one_key_too_many", Errc::range, "name", [](GgufWriter& w) {
    w.key_count = w.entries.size() + 1;
    w.tensors.front().name = "\n";
  });
  corpus.add("one_key_too_few", Errc::shape, "number of dimensions",
             [](GgufWriter& w) { w.key_count = w.entries.size() - 1; });
  corpus.add("one_tensor_too_many", Errc::range, "name",
             [](GgufWriter& w) { w.tensor_count = w.tensors.size() + 1; });
}

void add_key_names(Corpus& corpus) {
  const std::pair<std::string, std::string> names[] = {
      {"empty", ""},
      {"nul_at_end", std::string("general.architecture\0", 21)},
      {"nul_inside", std::string("general\0architecture", 20)},
      {"newline", "a\nb"},
      {"escape", "\x1b]0;title\x07"},
      {"delete", "a\x7F"},
      {"invalid_utf8", "key\xC3("},
      {"overlong_utf8", "\xC0\xAF"},
      {"surrogate_utf8", "\xED\xA0\x80"},
      {"c1_control", "a\xC2\x9B"},
  };
  for (const auto& [name, key] : names) {
    corpus.add("key_name_" + name, Errc::range, "name", [&text = key](GgufWriter& w) { w.add(text, 1U); });
  }
  corpus.add("key_name_too_long", Errc::limit, "65535",
             [](GgufWriter& w) { w.add(std::string(65536, 'k'), 1U); });
  corpus.add("key_twice", Errc::duplicate, "'test.u8'", [](GgufWriter& w) { w.add("test.u8", 1U); });
  corpus.add("key_thrice", Errc::duplicate, "'x'",
             [](GgufWriter& w) { w.add("x", 1U).add("x", 2U).add("x", "3"); });
  corpus.add("architecture_twice", Errc::duplicate, "general.architecture",
             [](GgufWriter& w) { w.add("general.architecture", "llama"); });
  for (const std::uint64_t n : kHuge) {
    // The length of the first key's name stands at byte 24.
    std::string bytes = small_gguf().build();
    bytes.replace(24, 8, encode(n));
    corpus.add_bytes(fmt::format("key_name_length_{}", n), Errc::limit, fmt::format("{}", n), bytes);
  }
}

void add_values(Corpus& corpus) {
  for (const std::uint32_t type : {13U, 14U, 16U, 255U, 0x80000000U, 0xFFFFFFFFU}) {
    corpus.add(fmt::format("value_type_{}", type), Errc::type, "value type",
               [&](GgufWriter& w) { w.add_raw("x", type, std::string(64, '\0')); });
    corpus.add(fmt::format("element_type_{}", type), Errc::type, "element type", [&](GgufWriter& w) {
      w.add_raw("x", kArray, encode(type) + encode(std::uint64_t{1}) + std::string(64, '\0'));
    });
    corpus.add(fmt::format("element_type_{}_of_none", type), Errc::type, "element type",
               [&](GgufWriter& w) { w.add_raw("x", kArray, encode(type) + encode(std::uint64_t{0})); });
  }
  for (const int depth : {1, 2, 10000}) {
    std::string nested = encode(kU32) + encode(std::uint64_t{0});
    for (int i = 0; i < depth; ++i) nested = encode(kArray) + encode(std::uint64_t{1}) + nested;
    corpus.add(fmt::format("array_of_arrays_{}", depth), Errc::unsupported, "arrays of arrays",
               [&](GgufWriter& w) { w.add_raw("x", kArray, nested); });
  }
  for (const std::uint64_t n : kHuge) {
    corpus.add(fmt::format("string_length_{}", n), Errc::limit, fmt::format("{}", n),
               [&](GgufWriter& w) { w.add_raw("x", kString, encode(n)); });
    corpus.add(
        fmt::format("string_in_array_length_{}", n), Errc::limit, fmt::format("{}", n), [&](GgufWriter& w) {
          w.add_raw("x", kArray, encode(kString) + encode(std::uint64_t{2}) + encode("ab") + encode(n));
        });
  }
  corpus.add("string_over_limit", Errc::limit, "67108864",
             [](GgufWriter& w) { w.add_raw("x", kString, encode(std::uint64_t{(64U << 20) + 1})); });
  corpus.add("string_over_file", Errc::truncated, "left",
             [](GgufWriter& w) { w.add_raw("x", kString, encode(std::uint64_t{64U << 20})); });
  for (std::uint32_t type = 0; type <= 12; ++type) {
    if (type == kArray) continue;
    for (const std::uint64_t n :
         std::initializer_list<std::uint64_t>{(16U << 20) + 1, 1U << 30, k2p61, k2p63, kMax}) {
      corpus.add(fmt::format("array_of_type_{}_length_{}", type, n), Errc::limit, "number of elements",
                 [&](GgufWriter& w) { w.add_raw("x", kArray, encode(type) + encode(n)); });
    }
    corpus.add(fmt::format("array_of_type_{}_over_file", type), Errc::truncated, "left", [&](GgufWriter& w) {
      w.add_raw("x", kArray, encode(type) + encode(std::uint64_t{16U << 20}));
    });
  }
  corpus.add("architecture_is_a_number", Errc::type, "must be a string", [](GgufWriter& w) {
    w.entries.front() = {"general.architecture", kU32, encode(1U)};
  });
  corpus.add("architecture_is_empty", Errc::range, "0 bytes",
             [](GgufWriter& w) { w.entries.front().value = encode(""); });
  corpus.add("architecture_is_long", Errc::range, "65 bytes",
             [](GgufWriter& w) { w.entries.front().value = encode(std::string(65, 'a')); });
}

void add_alignments(Corpus& corpus) {
  for (const std::uint32_t n :
       {0U, 3U, 13U, 31U, 33U, 48U, (1U << 20) - 1, (1U << 20) + 1, 1U << 21, 1U << 31, 0xFFFFFFFFU}) {
    corpus.add(fmt::format("alignment_{}", n), Errc::range, "general.alignment",
               [&](GgufWriter& w) { w.add("general.alignment", n); });
  }
  corpus.add("alignment_negative", Errc::range, "general.alignment",
             [](GgufWriter& w) { w.add("general.alignment", -32); });
  corpus.add("alignment_2p64", Errc::range, "general.alignment",
             [](GgufWriter& w) { w.add("general.alignment", kMax); });
  corpus.add("alignment_float", Errc::type, "general.alignment",
             [](GgufWriter& w) { w.add("general.alignment", 32.0F); });
  corpus.add("alignment_text", Errc::type, "general.alignment",
             [](GgufWriter& w) { w.add("general.alignment", "32"); });
  corpus.add("alignment_array", Errc::type, "general.alignment",
             [](GgufWriter& w) { w.add_array<std::uint32_t>("general.alignment", {32}); });
  corpus.add("alignment_larger_than_file", Errc::truncated, "bytes of data", [](GgufWriter& w) {
    w.add("general.alignment", 1U << 20);
    for (auto& tensor : w.tensors) tensor.offset = 0;
  });
}

void add_tensor_entries(Corpus& corpus) {
  const std::pair<std::string, std::string> names[] = {{"empty", ""},
                                                       {"nul", std::string("a\0b", 3)},
                                                       {"newline", "a\nb"},
                                                       {"escape", "\x1b[2J"},
                                                       {"bad_utf8", "a\xFF"}};
  for (const auto& [name, text] : names) {
    corpus.add_tensor("tensor_name_" + name, Errc::range, "name", {text, {4}, kF32, std::string(16, 'x')});
  }
  for (const std::size_t n : {64U, 65U, 1000U}) {
    corpus.add_tensor(fmt::format("tensor_name_of_{}", n), Errc::limit, "63",
                      {std::string(n, 't'), {4}, kF32, std::string(16, 'x')});
  }
  corpus.add_tensor("tensor_twice", Errc::duplicate, "'blk.0.norm.weight'",
                    {"blk.0.norm.weight", {4}, kF32, std::string(16, 'x')});
  for (const std::uint32_t n : {0U, 5U, 6U, 7U, 8U, 9U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
    corpus.add_tensor(fmt::format("n_dims_{}", n), Errc::shape, fmt::format("is {}, must be 1..4", n),
                      {"x", {4}, kF32, std::string(16, 'x'), n});
  }
  for (unsigned zeros = 1; zeros < 16; ++zeros) {
    std::vector<std::uint64_t> dims;
    for (unsigned i = 0; i < 4; ++i) dims.push_back((zeros >> i & 1) != 0 ? 0 : 32);
    corpus.add_tensor(fmt::format("zero_dims_{}", zeros), Errc::shape, "is 0, must be",
                      {"x", dims, kQ8_0, ""});
  }
  for (const std::uint64_t dim : {k2p31 + 1, k2p32, k2p62, k2p63, kMax}) {
    for (std::size_t at = 0; at < 4; ++at) {
      std::vector<std::uint64_t> dims(4, 1);
      dims[at] = dim;
      corpus.add_tensor(fmt::format("dim_{}_is_{}", at, dim), Errc::shape,
                        fmt::format("dimension {} is {}", at, dim), {"x", dims, kF32, ""});
    }
  }
  for (std::uint32_t type = 0; type < 64; ++type) {
    if (known_tensor_type(type) != nullptr) continue;
    corpus.add_tensor(fmt::format("tensor_type_{}", type), Errc::unsupported, fmt::format("{}", type),
                      {"x", {256}, type, std::string(1024, 'x')});
  }
  for (const std::uint32_t type : {142U, 255U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
    corpus.add_tensor(fmt::format("tensor_type_{}", type), Errc::unsupported, fmt::format("{}", type),
                      {"x", {256}, type, ""});
  }
}

void add_tensor_sizes(Corpus& corpus) {
  for (std::uint32_t type = 0; type < 400; ++type) {
    const TensorTypeInfo* info = known_tensor_type(type);
    if (info == nullptr) continue;
    for (const std::uint64_t dim : {std::uint64_t{1}, std::uint64_t{info->block_elements} - 1,
                                    std::uint64_t{info->block_elements} + 1}) {
      if (info->block_elements == 1 || (dim == 1 && info->block_elements == 2)) continue;
      corpus.add_tensor(fmt::format("row_of_{}_for_{}", dim, info->name), Errc::shape,
                        "must be a multiple of", {"x", {dim}, type, std::string(1024, 'x')});
    }
    // 2^31 to the fourth wraps to 0 in 64 bits; three of them fit no file but may fit 64 bits.
    corpus.add_tensor(fmt::format("size_wraps_for_{}", info->name), Errc::shape, "2^62",
                      {"x", {k2p31, k2p31, k2p31, k2p31}, type, ""});
    corpus.add_tensor(fmt::format("size_over_file_for_{}", info->name), Errc::truncated, "bytes of data",
                      {"x", {k2p31, 16}, type, ""});
    if (info->rows > 1) {
      corpus.add_tensor(fmt::format("part_of_a_group_for_{}", info->name), Errc::shape,
                        "the rows that lie together",
                        {"x", {info->block_elements, info->rows + 1}, type, std::string(1024, 'x')});
    }
  }
  corpus.add_tensor("size_wraps_to_small", Errc::shape, "2^62", {"x", {k2p31, k2p31, 4, 1}, kF32, ""});
  corpus.add_tensor("size_just_over_2p62", Errc::shape, "2^62", {"x", {k2p31, 1 << 29, 1, 2}, kF32, ""});
  corpus.add("two_sizes_of_2p62", Errc::truncated, "bytes of data", [](GgufWriter& w) {
    w.tensors.push_back({"x", {k2p31, 1 << 29}, kF32, ""});
    w.tensors.push_back({"y", {k2p31, 1 << 29}, kF32, ""});
  });
}

void add_offsets(Corpus& corpus) {
  const GgufWriter good = small_gguf();
  const std::size_t last = good.tensors.size() - 1;
  for (const std::uint64_t offset :
       std::initializer_list<std::uint64_t>{kMax - 31, kMax - 63, k2p63, k2p62, k2p32, 1U << 20}) {
    corpus.add(fmt::format("offset_{}", offset), Errc::truncated, "bytes of data",
               [&](GgufWriter& w) { w.tensors[last].offset = offset; });
  }
  for (const std::uint64_t offset : std::initializer_list<std::uint64_t>{1, 4, 16, 31, 33, kMax, kMax - 7}) {
    corpus.add(fmt::format("offset_misaligned_{}", offset), Errc::range, "multiple of 32",
               [&](GgufWriter& w) { w.tensors[last].offset = offset; });
  }
  corpus.add("offset_misaligned_64", Errc::range, "multiple of 64", [&](GgufWriter& w) {
    w.align(64);
    w.tensors[last].offset = 32;
  });
  corpus.add("overlap_same_offset", Errc::range, "lies inside tensor",
             [&](GgufWriter& w) { w.tensors[last].offset = 0; });
  corpus.add("overlap_by_one_block", Errc::range, "lies inside tensor", [](GgufWriter& w) {
    w.tensors.clear();
    w.tensor("a", {16}, kF32, std::string(64, 'a')).tensor("b", {16}, kF32, std::string(64, 'b'));
    w.tensors[1].offset = 32;
  });
  corpus.add("overlap_listed_backwards", Errc::range, "lies inside tensor 'b'", [](GgufWriter& w) {
    w.tensors.clear();
    w.tensor("a", {16}, kF32, std::string(64, 'a')).tensor("b", {16}, kF32, std::string(64, 'b'));
    w.tensors[0].offset = 32;
    w.tensors[1].offset = 0;
  });
  corpus.add("data_missing", Errc::truncated, "bytes of data", [](GgufWriter& w) {
    for (auto& tensor : w.tensors) tensor.data.clear();
  });
  corpus.add("data_one_byte_short", Errc::truncated, "bytes of data",
             [&](GgufWriter& w) { w.tensors[last].data.pop_back(); });
}

}  // namespace

GgufWriter small_gguf() {
  GgufWriter writer;
  writer.add("general.architecture", "llama")
      .add("test.u8", std::uint8_t{200})
      .add("test.i8", std::int8_t{-100});
  writer.add("test.u16", std::uint16_t{60000}).add("test.i16", std::int16_t{-30000});
  writer.add("test.u32", 4000000000U)
      .add("test.i32", -2000000000)
      .add("test.f32", 1.5F)
      .add("test.bool", true);
  writer.add("test.u64", kMax)
      .add("test.i64", std::int64_t{-5})
      .add("test.f64", 2.25)
      .add("general.name", "");
  writer.add_array<std::string>("tokenizer.ggml.tokens", {"a", "", "\xFF", std::string("\0", 1)});
  writer.add_array<float>("tokenizer.ggml.scores", {0.0F, -1.0F, -2.5F, 3.0F});
  writer.add_array<std::int32_t>("tokenizer.ggml.token_type", {1, 2, 3, 6});
  writer.add_array<bool>("test.bools", {true, false, true});
  writer.tensor("token_embd.weight", {32, 2}, kQ8_0, std::string(68, 'q'));
  writer.tensor("blk.0.norm.weight", {3}, {1.0F, 2.0F, 3.0F});
  writer.tensor("blk.0.ffn.weight", {2, 3, 2, 1}, kF16, std::string(24, 'h'));
  return writer;
}

std::vector<BadFile> bad_gguf_files() {
  Corpus corpus;
  add_headers(corpus);
  add_counts(corpus);
  add_key_names(corpus);
  add_values(corpus);
  add_alignments(corpus);
  add_tensor_entries(corpus);
  add_tensor_sizes(corpus);
  add_offsets(corpus);
  return corpus.take();
}

}  // namespace longhand::test
