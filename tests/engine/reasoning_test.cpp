#include "engine/chat/reasoning.h"
#include "engine/api/access.h"

#include <gtest/gtest.h>

#include "engine/forward/model.h"
#include "engine/longhand.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

// The stream in chunks of `size` bytes as "R(...)A(...)".
std::string split(const ReasoningStyle& style, bool inside, std::string_view text, std::size_t size) {
  ReasoningSplitter splitter(style, inside);
  std::vector<ReasoningSpan> spans;
  const auto add = [&](std::vector<ReasoningSpan> more) {
    for (ReasoningSpan& span : more) {
      if (!spans.empty() && spans.back().kind == span.kind) {
        spans.back().text += span.text;
      } else {
        spans.push_back(std::move(span));
      }
    }
  };
  for (std::size_t at = 0; at < text.size(); at += size) add(splitter.push(text.substr(at, size)));
  add(splitter.finish());
  std::string out;
  for (const ReasoningSpan& span : spans)
    out += (span.kind == ReasoningSpan::Kind::answer ? "A(" : "R(") + span.text + ")";
  return out;
}

struct Case {
  const char* marks;  // a template mentioning the style
  bool inside;
  const char *stream, *expected;
};
const Case kCases[] = {
    {"no marks", false, "a <think>b</think>", "A(a <think>b</think>)"},
    {"<think>", false, "<think>\nwhy\n</think>\n\nbecause", "R(why\n)A(because)"},
    {"<think>", true, "why</think>because", "R(why)A(because)"},
    {"<think>", false, "plain answer", "A(plain answer)"},
    {"<think>", false, "a < b <thin and <think>c</think>", "A(a < b <thin and )R(c)"},
    {"<think>", true, "never closed", "R(never closed)"},
    {"<think>", false, "half a marker <thi", "A(half a marker <thi)"},
    {"[THINK]", false, "[THINK]x[/THINK]y", "R(x)A(y)"},
    {"<|channel>thought", false, "<|channel>thought\nx<channel|>y", "R(x)A(y)"},
    {"<|START_THINKING|><think>", false, "<|START_THINKING|>x<|END_THINKING|>y", "R(x)A(y)"},
    {"<|channel|><|message|>", false,
     "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes",
     "R(hm)A(yes)"},
    {"<|channel|><|message|>", false, "<|channel|>commentary to=f<|message|>{}<|call|>", "R({})"},
    {"<|channel|><|message|>", false, "just text", "A(just text)"},
};

TEST(Reasoning, SplitsHoweverTheStreamIsCut) {
  for (const Case& c : kCases) {
    for (const std::size_t size : {1, 2, 3, 7, 1000}) {
      EXPECT_EQ(split(find_reasoning_style(c.marks), c.inside, c.stream, size), c.expected)
          << c.stream << " by " << size;
    }
  }
}

// Control tokens are silent in a stream; those that are markers have to be seen.
TEST(Reasoning, MarkersThatAreControlTokensSplitTheStream) {
  const test::TempDir dir;
  test::tiny_llama().write(dir.file("model.gguf"));
  const Model model = Model::load(dir.file("model.gguf"));
  const Tokenizer& tokenizer = model_data(model).tokenizer;
  const ReasoningStyle style = find_reasoning_style("<think>");
  const Token open = tokenizer.size() - 4, close = open + 1, begin = open + 2;
  EXPECT_EQ(marker_tokens(style, tokenizer), (std::vector<Token>{open, close}));
  EXPECT_EQ(marker_tokens({}, tokenizer), std::vector<Token>{});

  // Biases far above all logits, and a penalty for what was written: the tokens come in this order.
  SamplerOptions sampling;
  sampling.temperature = 0;
  sampling.presence_penalty = 5000;
  sampling.logit_bias = {{open, 5000.0f},
                         {model.encode("b", false)[0], 4000.0f},
                         {close, 3000.0f},
                         {begin, 2000.0f},
                         {model.encode("a", false)[0], 1000.0f}};
  Session session(model);
  GenerateOptions options;
  options.max_tokens = 5;
  Sampler silent(model, sampling);
  EXPECT_EQ(generate(session, model.encode("x", false), silent, options).text, "ba");
  options.written_out = marker_tokens(style, tokenizer);
  Sampler shown(model, sampling);
  const std::string text = generate(session, model.encode("x", false), shown, options).text;
  EXPECT_EQ(text, "<think>b</think>a");
  EXPECT_EQ(split(style, false, text, 1), "R(b)A(a)");
}

}  // namespace
}  // namespace longhand
