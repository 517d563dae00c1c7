#include "cli/measure/passkey_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "ops/random.h"

namespace longhand::cli {
namespace {

// clang-format off
constexpr const char* kWords[] = {"maple",  "river",  "copper", "lantern", "velvet", "marble",  "falcon", "willow",
                                  "ember",  "harbor", "cactus", "violet",  "pepper", "saddle",  "meadow", "anchor",
                                  "comet",  "walnut", "ribbon", "thunder", "basil",  "pebble",  "mirror", "candle",
                                  "forest", "island", "planet", "button",  "garden", "juniper", "bridge", "orchid"};
// clang-format on

struct Exchange {
  const char *user, *answer;
};

// Things the bundled model says every day, so that it is tested for its memory and not for its wit.
constexpr Exchange kSmallTalk[] = {
    {"Hello!", "Hello! How can I help you?"},
    {"How are you?", "I am fine, thank you. How are you?"},
    {"What is the capital of Norway?", "The capital of Norway is Oslo."},
    {"What is the capital of Japan?", "The capital of Japan is Tokyo."},
    {"Do you know the capital of Peru?", "The capital of Peru is Lima."},
    {"Capital of Kenya?", "The capital of Kenya is Nairobi."},
    {"What does a cow say?", "A cow says moo."},
    {"Which sound does a frog make?", "A frog says ribbit."},
    {"What is the opposite of hot?", "The opposite of hot is cold."},
    {"What is the opposite of brave?", "The opposite of brave is afraid."},
    {"Which day comes after Monday?", "Tuesday comes after Monday."},
    {"Which month comes before June?", "May comes before June."},
    {"What colour is grass?", "Grass is green."},
    {"How many legs does a spider have?", "A spider has 8 legs."},
    {"What is 3 + 4?", "3 + 4 = 7"},
    {"How much is 9 - 5?", "9 - 5 = 4"},
    {"What is a token?",
     "A token is a small piece of text, often a word or a part of a word. A model reads and writes tokens."},
    {"What is attention?",
     "Attention lets each token look back at the earlier tokens and mix in what it needs from them."},
    {"What is softmax?", "Softmax turns scores into chances that add up to one."},
    {"Can you explain perplexity?", "Perplexity says how surprised a model is by a text. Lower is better."},
    {"How do I leave?", "Type /exit, or press Ctrl-D."},
    {"How do I start over?", "Type /clear and we start with an empty conversation."},
    {"How do I see all the commands?", "Type /help to see every command. You can also just ask me."},
    {"How do I measure the speed?",
     "Run longhand bench -m model.gguf to measure tokens per second on this machine."},
    {"Do I need a graphics card?", "No graphics card is needed. I run on the processor."},
    {"Does this need the internet?", "No. Everything runs on this computer and nothing leaves it."},
    {"Tell me a joke.", "What does a cold processor need? A little cache."},
    {"Will it rain?", "I can not see the world outside, so I do not know."},
    {"Do you like music?", "I am only a program, so no. But I like a good question."},
    {"Thank you!", "You are welcome!"},
};

template <class Range>
std::size_t draw(Random& random, const Range& range) {
  return std::size_t(random.uniform() * double(std::size(range)));
}

int units_before(const PasskeyPlace& place) {
  return int(std::lround(std::clamp(place.depth, 0.0, 1.0) * place.units));
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

char small(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }

}  // namespace

PasskeyCase passkey_dialogue(const PasskeyPlace& place) {
  Random random(place.seed);
  PasskeyCase out{{}, kWords[draw(random, kWords)]};
  const auto say = [&](std::string user, std::string answer) {
    out.messages.push_back({"user", std::move(user), ""});
    out.messages.push_back({"assistant", std::move(answer), ""});
  };
  const int before = units_before(place);
  std::size_t last = std::size(kSmallTalk);
  for (int unit = 0; unit <= place.units; ++unit) {
    if (unit == before) {
      say(fmt::format("The secret word is {}.", out.word),
          fmt::format("I will remember the word {}.", out.word));
    }
    if (unit == place.units) break;
    std::size_t next = draw(random, kSmallTalk);
    if (next == last) next = (next + 1) % std::size(kSmallTalk);  // nobody says the same thing twice in a row
    say(kSmallTalk[next].user, kSmallTalk[next].answer);
    last = next;
  }
  out.messages.push_back({"user", "What is the secret word?", ""});
  return out;
}

PasskeyCase passkey_document(const std::vector<std::string>& lines, const PasskeyPlace& place) {
  Random random(place.seed);
  PasskeyCase out{{}, kWords[draw(random, kWords)]};
  const std::size_t start = draw(random, lines);
  const int before = units_before(place);
  std::string text;
  for (int unit = 0; unit <= place.units; ++unit) {
    if (unit == before) text += fmt::format("The secret word is {}. Remember it.\n", out.word);
    if (unit < place.units) text += lines[(start + std::size_t(unit)) % lines.size()] + "\n";
  }
  text += "\nWhat is the secret word? Answer with that word only.";
  out.messages.push_back({"user", std::move(text), ""});
  return out;
}

std::vector<std::string> filler_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
    while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
  }
  return lines;
}

bool names_word(std::string_view answer, std::string_view word) {
  const auto same = [](char a, char b) { return small(a) == small(b); };
  return std::search(answer.begin(), answer.end(), word.begin(), word.end(), same) != answer.end();
}

}  // namespace longhand::cli
