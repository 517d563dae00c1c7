// The vocabulary of RWKV: greedy longest match over bytes.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "engine/text/encoder.h"
#include "engine/text/prefix_index.h"

namespace longhand {

/// The bytes of a token as files write it: \t \n \r \\ and \xHH are escapes; any other escaped
/// character is itself.
std::string unescape_rwkv(std::string_view text);

class RwkvVocab : public Encoder {
 public:
  explicit RwkvVocab(const Vocab& vocab);
  void encode(std::string_view text, bool starts_text, std::vector<Token>& out) const override;

 private:
  std::deque<std::string> texts_;
  PrefixIndex index_;
  Token unknown_;  // for a byte no token begins with
};

}  // namespace longhand
