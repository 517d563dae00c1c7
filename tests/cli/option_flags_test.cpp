#include "cli/flags/option_flags.h"

#include <gmock/gmock.h>

#include <set>

#include "cli/flags/sampling_flags.h"
#include "cli/flags/session_flags.h"
#include "cli/flags/speculation_flags.h"
#include "cli/verbs.h"
#include "engine/longhand.h"
#include "engine/longhand_serve.h"

namespace longhand::cli {
namespace {

TEST(OptionFlags, MessagesNameTheFlagToo) {
  const std::pair<const char*, const char*> messages[] = {
      {"attention.window is 0, must be 1..9", "--attention-window (attention.window) is 0, must be 1..9"},
      {"rope.factor means nothing with rope.scaling none",
       "--rope-scale (rope.factor) means nothing with --rope-scaling (rope.scaling) none"},
      {"attention.codes, attention.exact and more",
       "--vq-codes (attention.codes), --vq-exact (attention.exact) and more"},
      {"sampler.top_p is nan, must be 0..1 [E_RANGE]",
       "--top-p (sampler.top_p) is nan, must be 0..1 [E_RANGE]"},
      {"speculation.most is 64.", "--draft (speculation.most) is 64."},
      {"threads is 300, must be 0..256", "--threads (threads) is 300, must be 0..256"},
      {"batch is 0, must be 1..8192", "--batch-size (batch) is 0, must be 1..8192"},
      {"isa is 'x', must be one of those", "--isa (isa) is 'x', must be one of those"},
  };
  for (const auto& [message, expected] : messages) EXPECT_EQ(with_flags(message), expected);
}

TEST(OptionFlags, OtherWordsStayAsTheyAre) {
  for (const char* message :
       {"", "threads", "a context of 5 tokens needs 3 MiB", "tiny.gguf: context is short",
        "cannot start 3 more threads", "longhand.attention.memory is 'x', must be one of full",
        "llama.attention.window is 0", "llama.rope.scaling.factor is 0", "rope.scaling.factor is 0",
        "attention.window_size is 0", "LONGHAND_ISA is 'x'", "/models/rope.base-7b.gguf: not a GGUF file",
        "contexts is 3"})
    EXPECT_EQ(with_flags(message), message);
}

// The names of every option that the tables list.
std::set<std::string_view> option_names() {
  std::set<std::string_view> names;
  const auto note = [&](const auto& row, const auto&) { names.insert(row.name); };
  each_option(kLoadOptions, LoadOptions(), note);
  each_session_option(SessionOptions(), note);
  each_option(kSamplerOptions, SamplerOptions(), note);
  each_option(kSpeculationOptions, SpeculationOptions(), note);
  each_option(kEmbedOptions, EmbedOptions(), note);
  each_option(kSchedulerOptions, SchedulerOptions(), note);
  return names;
}

TEST(OptionFlags, EachNameIsAnOptionsAndHasOneFlag) {
  std::set<std::string_view> names = option_names(), seen;
  names.insert({"sampler.dry_breakers", "sampler.stages", "sampler.logit_bias"});  // lists
  for (const OptionFlag& flag : option_flags()) {
    EXPECT_TRUE(names.contains(flag.option)) << flag.option;
    EXPECT_TRUE(seen.insert(flag.option).second) << flag.option;
  }
  for (const std::string_view option : names) {
    // Said in another option's flag, or left to programs that embed the library.
    const bool without =
        option == "rope.auto_factor" || option == "sampler.min_keep" || option == "speculation.adapt";
    EXPECT_EQ(find_flag(option) == nullptr, without) << option;
  }
}

TEST(OptionFlags, VerbsTakeThemAll) {
  CLI::App app;
  SessionFlags session;
  SamplingFlags sampling;
  SpeculationFlags speculation;
  session.add_to(app);
  sampling.add_to(app);
  speculation.add_to(app);
  Action action;
  add_embed(app, action);
  add_serve(app, action);
  for (const OptionFlag& flag : option_flags()) {
    const CLI::App& verb = flag.option.starts_with("embed.")       ? *app.get_subcommand("embed")
                           : flag.option.starts_with("scheduler.") ? *app.get_subcommand("serve")
                                                                   : app;
    EXPECT_NE(verb.get_option_no_throw(flag_word(flag)), nullptr) << flag.option;
  }
}

SessionOptions parsed(std::vector<std::string> arguments) {
  CLI::App app;
  SessionFlags flags;
  flags.add_to(app);
  std::ranges::reverse(arguments);
  app.parse(std::move(arguments));
  return flags.session_options();
}

TEST(OptionFlags, ValuesArriveInTheOptions) {
  const SessionOptions o = parsed({"-c",
                                   "99",
                                   "-t",
                                   "2",
                                   "--tb",
                                   "3",
                                   "-b",
                                   "64",
                                   "--ctk",
                                   "q8_0",
                                   "--ctv",
                                   "bf16",
                                   "--rope-scaling",
                                   "ntk-mixed",
                                   "--rope-scale",
                                   "auto",
                                   "--yarn-orig-ctx",
                                   "7",
                                   "--attention",
                                   "vq",
                                   "--vq-codes",
                                   "12",
                                   "--vq-weighted",
                                   "--rerope-leak",
                                   "2.5",
                                   "--attention-checkpoints",
                                   "0",
                                   "--log-n",
                                   "0"});
  EXPECT_EQ(o.context, 99);
  EXPECT_EQ(o.threads, 2);
  EXPECT_EQ(o.prefill_threads, 3);
  EXPECT_EQ(o.batch, 64);
  EXPECT_EQ(o.key_cache, CacheType::q8_0);
  EXPECT_EQ(o.value_cache, CacheType::bf16);
  EXPECT_EQ(o.rope.scaling, RopeScaling::ntk_mixed);
  EXPECT_TRUE(o.rope.auto_factor);
  EXPECT_EQ(o.rope.original_context, 7);
  EXPECT_EQ(o.attention.memory, "vq");
  EXPECT_EQ(o.attention.codes, 12);
  EXPECT_TRUE(o.attention.weighted);
  EXPECT_FALSE(o.attention.second_order);
  EXPECT_EQ(o.attention.leak, 2.5f);
  EXPECT_EQ(o.attention.checkpoints, 0);
  EXPECT_EQ(o.attention.log_n, 0);
}

TEST(OptionFlags, TheDefaultMayBeSaidAndNothingElseOutOfRange) {
  EXPECT_EQ(parsed({"--attention-window", "-1"}).attention.window, -1);
  EXPECT_EQ(parsed({"--yarn-ext-factor", "-1"}).rope.yarn_ext_factor, -1);
  const std::vector<std::string> bad[] = {{"--attention-window", "-2"}, {"--attention-window", "0"},
                                          {"--attention-window", "x"},  {"-b", "8193"},
                                          {"--attention-sinks", "513"}, {"--rope-freq-base", "0"},
                                          {"--rope-freq-base", "nan"},  {"--log-n", "1"},
                                          {"--rope-scaling", "yarns"},  {"--attention", "fully"}};
  for (const auto& arguments : bad) EXPECT_THROW(parsed(arguments), CLI::ParseError) << arguments[1];
}

}  // namespace
}  // namespace longhand::cli
