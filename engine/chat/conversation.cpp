#include "engine/chat/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/chat/forgetting.h"
#include "ops/error.h"

namespace longhand {
namespace {

std::size_t common_prefix(std::span<const Token> a, std::span<const Token> b) {
  const auto [end, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return std::size_t(end - a.begin());
}

}  // namespace

Conversation::Conversation(const ChatFormat& format, const Tokenizer& tokenizer)
    : format_(format),
      tokenizer_(tokenizer),
      encoder_(tokenizer),
      marker_tokens_(marker_tokens(format.reasoning(), tokenizer)) {}

void Conversation::ask(std::string user) {
  answers_.reserve(turns_.size() + 1);
  turns_.push_back({std::move(user), "", "", false});
  answers_.emplace_back();
}

void Conversation::answer(ChatAnswerText answer) {
  if (turns_.empty() || turns_.back().answered) throw Error(Errc::range, "no turn waits for an answer");
  ChatTurn& turn = turns_.back();
  turn.answer = std::move(answer.content);
  turn.reasoning = std::move(answer.reasoning);
  turn.answered = true;
  turn.cut = answer.cut;
  answers_.back() = {std::move(answer.tokens), std::move(prompt_end_)};
  prompt_end_.clear();
}

void Conversation::step(std::vector<ChatMessage> messages) {
  std::vector<ChatMessage>& steps = turns_.back().steps;
  steps.insert(steps.end(), std::make_move_iterator(messages.begin()),
               std::make_move_iterator(messages.end()));
}

bool Conversation::undo() {
  if (turns_.empty()) return false;
  turns_.pop_back();
  answers_.pop_back();
  // Where the model would see nothing, what it saw before comes back.
  if (first_ >= turns_.size()) head_ = first_ = 0;
  return true;
}

bool Conversation::retry() {
  if (turns_.empty()) return false;
  turns_.back() = {std::move(turns_.back().user), "", "", false};
  answers_.back() = {};
  return true;
}

void Conversation::clear() { restore({}); }

void Conversation::restore(std::vector<ChatTurn> turns, std::vector<AnswerTokens> sampled) {
  sampled.resize(turns.size());
  for (AnswerTokens& answer : sampled) {
    if (!is_text(answer)) answer = {};
  }
  turns_ = std::move(turns);
  answers_ = std::move(sampled);
  head_ = first_ = 0;
}

bool Conversation::is_text(const AnswerTokens& answer) const {
  return std::ranges::all_of(answer.tokens, [this](Token token) {
    return token >= 0 && token < tokenizer_.size() && !tokenizer_.piece(token, false).empty();
  });
}

Conversation::Prompt Conversation::encode(Seen seen) const {
  std::vector<ChatTurn> turns;
  std::vector<AnswerTokens> answers;
  for (std::size_t i = 0; i < turns_.size(); ++i) {
    if (i >= seen.head && i < seen.first) continue;
    turns.push_back(turns_[i]);
    answers.push_back(answers_[i]);
  }
  std::vector<ChatMessage> messages;
  if (!system_.empty()) messages.push_back({"system", system_, ""});
  for (const ChatTurn& turn : turns) {
    messages.push_back({"user", turn.user, ""});
    messages.insert(messages.end(), turn.steps.begin(), turn.steps.end());
    if (turn.answered) messages.push_back({"assistant", turn.answer, turn.reasoning});
  }
  const std::vector<PromptPiece> pieces =
      pieces_ ? pieces_(messages, options_) : format_.prompt(messages, options_);
  const auto text_of = [this](Token token) {
    return tokenizer_.piece(token, std::ranges::find(marker_tokens_, token) != marker_tokens_.end());
  };
  Prompt prompt;
  prompt.tokens = encode_with(encoder_, pieces, find_answers(pieces, turns, answers, text_of));
  const std::string text = prompt_text(pieces);
  prompt.end = text.substr(text.size() - std::min(text.size(), kPromptEnd));
  prompt.opens_reasoning = format_.opens_reasoning(pieces);
  return prompt;
}

// As many of the first turns, before the last one, as take at most `tokens`.
std::size_t Conversation::turns_within(std::size_t tokens) const {
  const std::size_t last = turns_.size() - 1, most = encode({0, last}).tokens.size() + tokens;
  std::size_t low = 0, high = last;
  while (low < high) {
    const std::size_t middle = low + (high - low + 1) / 2;
    if (encode({middle, last}).tokens.size() <= most) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

Conversation::Seen Conversation::forget(std::size_t head, std::size_t context, std::size_t reserve) const {
  const auto tokens_from = [&](std::size_t turn) { return encode({head, turn}).tokens.size(); };
  return {head, first_kept_turn({std::max(first_, head), turns_.size() - 1, context, reserve}, tokens_from)};
}

TurnPlan Conversation::plan_turn(std::span<const Token> holds, std::size_t context, std::size_t reserve) {
  if (turns_.empty() || turns_.back().answered) throw Error(Errc::range, "no turn waits for an answer");
  Seen seen{head_, first_};
  Prompt prompt = encode(seen);
  // With the turns that are to be kept; where the last one needs their room, without.
  for (const std::size_t keep : {keep_, std::size_t{0}}) {
    if (prompt.tokens.size() + reserve <= context) break;
    seen = forget(keep > 0 ? turns_within(keep) : 0, context, reserve);
    prompt = encode(seen);
  }
  if (prompt.tokens.size() + reserve > context) {
    throw Error(
        Errc::context_full,
        fmt::format(
            "the message takes {} tokens and {} are kept for the answer, must be at most {} (the context)",
            prompt.tokens.size(), reserve, context));
  }
  if (prompt.tokens.empty()) throw Error(Errc::chat_template, "the chat template gives an empty prompt");
  TurnPlan plan;
  // Logits come from feeding, so at least one token has to be fed again.
  plan.rewind_to = std::min(common_prefix(holds, prompt.tokens), prompt.tokens.size() - 1);
  plan.new_tokens.assign(prompt.tokens.begin() + std::ptrdiff_t(plan.rewind_to), prompt.tokens.end());
  plan.dropped_turns = std::max(0, int(seen.first - seen.head) - int(forgotten()));
  plan.opens_reasoning = prompt.opens_reasoning;
  head_ = seen.head;
  first_ = seen.first;
  prompt_end_ = std::move(prompt.end);
  return plan;
}

bool begins_twice(const ChatFormat& format, const Tokenizer& tokenizer) {
  const Token bos = tokenizer.vocab().bos;
  if (bos == kNoToken) return false;
  const ChatMessage probe{"user", "x", ""};
  try {
    const std::vector<Token> tokens = encode_prompt(tokenizer, format.render({&probe, 1}));
    return std::ranges::count(tokens, bos) > 1;
  } catch (const Error&) { return false; }  // told when a message is sent
}

}  // namespace longhand
