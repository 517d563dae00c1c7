#include "engine/chat/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/chat/forgetting.h"
#include "ops/error.h"

namespace longhand {
namespace {

std::size_t common_prefix(std::span<const Token> a, std::span<const Token> b) {
  const auto [end, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end - a.begin());
}

// The pieces without their first `bytes` bytes.
std::vector<PromptPiece> behind(std::span<const PromptPiece> pieces, std::size_t bytes) {
  std::vector<PromptPiece> out;
  for (const PromptPiece& piece : pieces) {
    const std::size_t cut = std::min(bytes, piece.text.size());
    bytes -= cut;
    if (cut < piece.text.size()) out.push_back({piece.text.substr(cut), piece.trusted});
  }
  return out;
}

}  // namespace

Conversation::Conversation(const ChatFormat& format, const Tokenizer& tokenizer)
    : format_(format), encoder_(tokenizer) {}

void Conversation::ask(std::string user) { turns_.push_back({std::move(user), "", "", false}); }

void Conversation::answer(ChatAnswerText answer) {
  if (turns_.empty() || turns_.back().answered) throw Error(Errc::range, "no turn waits for an answer");
  const bool is_whole = !answer.tokens.empty() || answer.raw.empty();
  std::vector<Token> tokens = pending_.tokens;
  tokens.insert(tokens.end(), answer.tokens.begin(), answer.tokens.end());
  std::string known = pending_.text + answer.raw;
  marks_.reserve(marks_.size() + 1);
  // From here on nothing can fail.
  ChatTurn& turn = turns_.back();
  turn.answer = std::move(answer.content);
  turn.reasoning = std::move(answer.reasoning);
  turn.answered = true;
  turn.cut = answer.cut;
  // Marks in what the new prompt kept of the old text stay valid.
  const std::string& text = pending_.text;
  std::erase_if(marks_, [&](const Mark& mark) {
    return mark.text > text.size() || mark.tokens > pending_.tokens.size() ||
           text.compare(0, mark.text, known_text_, 0, mark.text) != 0 ||
           !std::equal(known_tokens_.begin(),
                       known_tokens_.begin() + static_cast<std::ptrdiff_t>(mark.tokens),
                       pending_.tokens.begin());
  });
  known_text_ = std::move(known);
  known_tokens_ = std::move(tokens);
  if (is_whole) marks_.push_back({known_text_.size(), known_tokens_.size()});
  pending_ = {};
}

bool Conversation::undo() {
  if (turns_.empty()) return false;
  turns_.pop_back();
  // Where the model would see nothing, what it saw before comes back.
  if (forgotten_ >= turns_.size()) forgotten_ = 0;
  return true;
}

bool Conversation::retry() {
  if (turns_.empty()) return false;
  turns_.back() = {std::move(turns_.back().user), "", "", false};
  return true;
}

void Conversation::clear() { restore({}); }

void Conversation::restore(std::vector<ChatTurn> turns) {
  turns_ = std::move(turns);
  forgotten_ = 0;
}

// Known tokens for as much of the text as they make, the rest encoded. The seam must lie before a control
// token: elsewhere a token could reach across it.
std::vector<Token> Conversation::tokens_of(std::span<const PromptPiece> pieces,
                                           const std::string& text) const {
  for (auto mark = marks_.rbegin(); mark != marks_.rend(); ++mark) {
    if (mark->text >= text.size() || text.compare(0, mark->text, known_text_, 0, mark->text) != 0) continue;
    const std::vector<PromptPiece> rest = behind(pieces, mark->text);
    if (!encoder_.starts_with_control(rest)) continue;
    std::vector<Token> tokens(known_tokens_.begin(),
                              known_tokens_.begin() + static_cast<std::ptrdiff_t>(mark->tokens));
    const std::vector<Token> more = encoder_.encode(rest, false);
    tokens.insert(tokens.end(), more.begin(), more.end());
    return tokens;
  }
  return encoder_.encode(pieces);
}

Conversation::Prompt Conversation::encode(std::span<const ChatTurn> turns) const {
  std::vector<ChatMessage> messages;
  if (!system_.empty()) messages.push_back({"system", system_, ""});
  for (const ChatTurn& turn : turns) {
    messages.push_back({"user", turn.user, ""});
    if (turn.answered) messages.push_back({"assistant", turn.answer, turn.reasoning});
  }
  std::vector<PromptPiece> pieces = format_.render(messages, options_);
  // A template that opens the reasoning whatever it is asked: the model finds it closed again.
  if (options_.thinking == false && format_.opens_reasoning(pieces))
    pieces.push_back({"\n" + format_.reasoning().close + "\n\n", true});
  Prompt prompt;
  prompt.text = prompt_text(pieces);
  prompt.tokens = tokens_of(pieces, prompt.text);
  prompt.opens_reasoning = format_.opens_reasoning(pieces);
  return prompt;
}

TurnPlan Conversation::plan_turn(std::span<const Token> holds, std::size_t context, std::size_t reserve) {
  if (turns_.empty() || turns_.back().answered) throw Error(Errc::range, "no turn waits for an answer");
  const auto from = [this](std::size_t first) { return encode(std::span(turns_).subspan(first)); };
  Prompt prompt = from(forgotten_);
  std::size_t first = forgotten_;
  if (prompt.tokens.size() + reserve > context) {
    const auto tokens_from = [&](std::size_t turn) { return from(turn).tokens.size(); };
    first = first_kept_turn({forgotten_, turns_.size() - 1, context, reserve}, tokens_from);
    prompt = from(first);
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
  plan.new_tokens.assign(prompt.tokens.begin() + static_cast<std::ptrdiff_t>(plan.rewind_to),
                         prompt.tokens.end());
  plan.dropped_turns = static_cast<int>(first - forgotten_);
  plan.opens_reasoning = prompt.opens_reasoning;
  forgotten_ = first;
  pending_ = std::move(prompt);
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
