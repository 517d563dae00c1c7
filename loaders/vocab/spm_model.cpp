#include "loaders/vocab/spm_model.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::size_t kMostPieces = std::size_t{1} << 21;

/// The fields of a message, one after the other. Encoding: protobuf.dev/programming-guides/encoding.
class Message {
 public:
  struct Value {
    std::uint32_t field = 0;
    std::uint64_t number = 0;  // of varints and of what has 4 or 8 bytes
    std::string_view bytes;    // of texts and messages
  };

  Message(std::string_view rest, const std::string& name) : rest_(rest), name_(name) {}

  bool next(Value& value) {
    if (rest_.empty()) return false;
    const std::uint64_t tag = varint();
    value = {};
    value.field = std::uint32_t(tag >> 3);
    const std::uint32_t wire = tag & 7;
    if (wire == 0) {
      value.number = varint();
    } else if (wire == 2) {
      value.bytes = take(varint());
    } else if (wire == 1 || wire == 5) {
      const std::string_view raw = take(wire == 1 ? 8 : 4);
      std::memcpy(&value.number, raw.data(), raw.size());
    } else {
      throw Error(Errc::corrupt, fmt::format("{}: is no SentencePiece model: field {} is of kind {}", name_,
                                             value.field, wire));
    }
    return true;
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = std::uint8_t(take(1).front());
      value |= std::uint64_t(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw Error(Errc::corrupt,
                fmt::format("{}: is no SentencePiece model: a number of more than 64 bits", name_));
  }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size())
      throw Error(Errc::truncated, fmt::format("{}: ends within a field of {} bytes", name_, size));
    const std::string_view taken = rest_.substr(0, std::size_t(size));
    rest_.remove_prefix(std::size_t(size));
    return taken;
  }

  std::string_view rest_;
  const std::string& name_;
};

float as_float(std::uint64_t bits) {
  const auto low = std::uint32_t(bits);
  float value = 0;
  std::memcpy(&value, &low, sizeof value);
  return value;
}

SpmPiece parse_piece(std::string_view bytes, const std::string& name) {
  // SentencePiece's numbers of types; user-defined pieces are cut from texts like others.
  constexpr int kTypes[] = {1, 1, 2, 3, 1, 5, 6};
  SpmPiece piece;
  Message message(bytes, name);
  for (Message::Value value; message.next(value);) {
    if (value.field == 1) piece.text = std::string(value.bytes);
    if (value.field == 2) piece.score = as_float(value.number);
    if (value.field == 3 && value.number < std::size(kTypes)) piece.type = kTypes[value.number];
  }
  return piece;
}

// The number of `field` in a message, else `otherwise`.
std::uint64_t number_in(std::string_view bytes, std::uint32_t field, std::uint64_t otherwise,
                        const std::string& name) {
  Message message(bytes, name);
  for (Message::Value value; message.next(value);) {
    if (value.field == field) otherwise = value.number;
  }
  return otherwise;
}

}  // namespace

SpmModel parse_spm_model(std::span<const std::byte> file, const std::string& name) {
  constexpr std::uint32_t kPieces = 1, kTraining = 2, kNormalising = 3;
  constexpr std::uint32_t kModelType = 3, kDummyPrefix = 3;
  constexpr std::uint64_t kUnigram = 1, kPairs = 2;
  SpmModel model;
  Message message({reinterpret_cast<const char*>(file.data()), file.size()}, name);
  for (Message::Value value; message.next(value);) {
    if (value.field == kPieces) {
      if (model.pieces.size() == kMostPieces)
        throw Error(Errc::limit, fmt::format("{}: more than {} pieces", name, kMostPieces));
      model.pieces.push_back(parse_piece(value.bytes, name));
    } else if (value.field == kTraining) {
      model.merges_pairs = number_in(value.bytes, kModelType, kUnigram, name) == kPairs;
    } else if (value.field == kNormalising) {
      model.adds_space = number_in(value.bytes, kDummyPrefix, 1, name) != 0;
    }
  }
  if (model.pieces.empty()) throw Error(Errc::corrupt, fmt::format("{}: has no pieces", name));
  return model;
}

}  // namespace longhand
