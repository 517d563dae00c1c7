// The flags of llama.cpp's programs, as its scripts have them: each is taken, or told to have no effect, or
// refused with a reason; none is unknown.
#include "cli/flags/foreign_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "cli/flags/arguments.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// clang-format off
// With a value where they take one.
constexpr const char* kTaken[] = {
    "-t 2", "--threads 2", "-tb 2", "--threads-batch 2", "-C 1", "--cpu-mask 1", "-Cr 0", "--cpu-range 0",
    "--cpu-strict 0", "--prio 0", "-c 512", "--ctx-size 512", "-n 4", "--predict 4", "--n-predict 4",
    "-b 64", "--batch-size 64", "--keep 3", "-ctxcp 4", "--ctx-checkpoints 4", "--swa-checkpoints 4",
    "--context-shift", "--no-context-shift", "-p x", "--prompt x", "-sys x", "--system-prompt x",
    "-f f.txt", "--file f.txt", "-sysf f.txt", "--system-prompt-file f.txt", "-e", "--escape",
    "--no-escape", "-r x", "--reverse-prompt x", "-cnv", "--conversation", "-st", "--single-turn", "-mli",
    "--multiline-input", "--samplers top_k;temperature", "-s 3", "--seed 3", "--sampler-seq kt",
    "--sampling-seq kt", "--ignore-eos", "--temp 0.5", "--temperature 0.5", "--top-k 4", "--top-p 0.5",
    "--min-p 0.5", "--top-nsigma 0.5", "--top-n-sigma 0.5", "--xtc-probability 0.5", "--xtc-threshold 0.5",
    "--typical 0.5", "--typical-p 0.5", "--repeat-last-n 7", "--repeat-penalty 1.5",
    "--presence-penalty 0.5", "--frequency-penalty 0.5", "--dry-multiplier 0.5", "--dry-base 1.5",
    "--dry-allowed-length 2", "--dry-penalty-last-n 4", "--dry-sequence-breaker x", "--dynatemp-range 0.5",
    "--dynatemp-exp 0.5", "--mirostat 0", "--mirostat-lr 0.5", "--mirostat-ent 0.5", "-l 1+1",
    "--logit-bias 1+1", "--grammar root::=\"a\"", "--grammar-file f", "-j {}", "--json-schema {}", "-jf f",
    "--json-schema-file f", "--rope-scaling yarn", "--rope-scale 2", "--rope-freq-base 10000",
    "--rope-freq-scale 0.5", "--yarn-orig-ctx 7", "--yarn-ext-factor 0.5", "--yarn-beta-slow 0.5",
    "--yarn-beta-fast 0.5", "-nr", "--no-repack", "-ctk q4_0", "--cache-type-k q5_1", "-ctv iq4_nl",
    "--cache-type-v q4_1", "--numa isolate", "--override-kv llama.context_length=int:77", "--lora f",
    "--lora-scaled f:1", "--control-vector f", "--control-vector-scaled f:1",
    "--control-vector-layer-range 1 2", "-m m.gguf", "--model m.gguf", "-mu https://x/y.gguf",
    "--model-url https://x/y.gguf", "-hf a/b", "-hfr a/b", "--hf-repo a/b", "--chat-template-kwargs {}",
    "--reasoning-format none", "-rea on", "--reasoning off", "--reasoning-budget 5",
    "--chat-template {{x}}", "--chat-template-file f", "--simple-io", "-v", "--verbose", "--log-verbose",
    "--offline", "--spec-draft-n-max 3 --lookup", "--spec-draft-model d.gguf", "-md d.gguf", "--model-draft d.gguf",
    "--draft 3 --lookup", "--draft-n 3 --lookup", "--draft-max 3 --lookup"};
constexpr const char* kTakenByRun[] = {
    "-bf f", "--binary-file f", "--prompt-cache f", "--prompt-cache-all", "--prompt-cache-ro", "-no-cnv",
    "--no-conversation"};
// The number is a value.
constexpr const char* kWithoutEffect[] = {
    "--display-prompt", "--no-display-prompt", "-co 1", "--color 1", "--poll 1", "-Cb 1",
    "--cpu-mask-batch 1", "-Crb 1", "--cpu-range-batch 1", "--cpu-strict-batch 1", "--prio-batch 1",
    "--poll-batch 1", "-ub 1", "--ubatch-size 1", "--swa-full", "-cram 1", "--cache-ram 1", "-fa 1",
    "--flash-attn 1", "--perf", "--no-perf", "--show-timings", "--no-show-timings", "-ptc 1",
    "--print-token-count 1", "--warmup", "--no-warmup", "-bs", "--backend-sampling", "-kvo",
    "--kv-offload", "-nkvo 1", "--no-kv-offload 1", "--repack", "--no-host 1", "-dt 1", "--defrag-thold 1",
    "-np 1", "--parallel 1", "--mmproj-auto", "--no-mmproj", "--no-mmproj-auto", "--mmproj-offload",
    "--no-mmproj-offload", "--image-min-tokens 1", "--image-max-tokens 1", "--mlock", "--mmap 1",
    "--no-mmap", "-dio", "--direct-io", "-ndio", "--no-direct-io", "-lm 1", "--load-mode 1", "-dev 1",
    "--device 1", "--list-devices", "-ot 1", "--override-tensor 1", "-cmoe", "--cpu-moe", "-ncmoe 1",
    "--n-cpu-moe 1", "-ngl 1", "--gpu-layers 1", "--n-gpu-layers 1", "-sm 1", "--split-mode 1", "-ts 1",
    "--tensor-split 1", "-mg 1", "--main-gpu 1", "-fit 1", "--fit 1", "-fitt 1", "--fit-target 1",
    "-fitc 1", "--fit-ctx 1", "--check-tensors", "--op-offload", "--no-op-offload 1", "--jinja",
    "--no-jinja", "--reasoning-preserve", "--no-reasoning-preserve", "--log-disable", "--log-file 1",
    "--log-prompts-dir 1", "--log-colors 1", "-lv 1", "--verbosity 1", "--log-verbosity 1", "--log-prefix",
    "--no-log-prefix", "--log-timestamps", "--no-log-timestamps", "--spec-draft-threads 1", "-td 1",
    "--threads-draft 1", "--spec-draft-threads-batch 1", "-tbd 1", "--threads-batch-draft 1",
    "--spec-draft-cpu-mask 1", "-Cd 1", "--cpu-mask-draft 1", "--spec-draft-cpu-range 1", "-Crd 1",
    "--cpu-range-draft 1", "--spec-draft-cpu-strict 1", "--cpu-strict-draft 1", "--spec-draft-prio 1",
    "--prio-draft 1", "--spec-draft-poll 1", "--poll-draft 1", "--spec-draft-cpu-mask-batch 1", "-Cbd 1",
    "--cpu-mask-batch-draft 1", "--spec-draft-cpu-strict-batch 1", "--cpu-strict-batch-draft 1",
    "--spec-draft-prio-batch 1", "--prio-batch-draft 1", "--spec-draft-poll-batch 1",
    "--poll-batch-draft 1", "--spec-draft-type-k 1", "-ctkd 1", "--cache-type-k-draft 1",
    "--spec-draft-type-v 1", "-ctvd 1", "--cache-type-v-draft 1", "--spec-draft-override-tensor 1",
    "-otd 1", "--override-tensor-draft 1", "--spec-draft-cpu-moe", "-cmoed", "--cpu-moe-draft",
    "--spec-draft-n-cpu-moe 1", "--spec-draft-ncmoe 1", "-ncmoed 1", "--n-cpu-moe-draft 1",
    "--spec-draft-n-min 1", "--spec-draft-p-split 1", "--draft-p-split 1", "--spec-draft-p-min 1",
    "--draft-p-min 1", "--spec-draft-backend-sampling", "--no-spec-draft-backend-sampling",
    "--spec-draft-device 1", "-devd 1", "--device-draft 1", "--spec-draft-ngl 1", "-ngld 1",
    "--gpu-layers-draft 1", "--n-gpu-layers-draft 1", "--spec-type 1", "--spec-ngram-mod-n-min 1",
    "--spec-ngram-mod-n-max 1", "--spec-ngram-mod-n-match 1", "--spec-ngram-simple-size-n 1",
    "--spec-ngram-simple-size-m 1", "--spec-ngram-simple-min-hits 1", "--spec-ngram-map-k-size-n 1",
    "--spec-ngram-map-k-size-m 1", "--spec-ngram-map-k-min-hits 1", "--spec-ngram-map-k4v-size-n 1",
    "--spec-ngram-map-k4v-size-m 1", "--spec-ngram-map-k4v-min-hits 1", "--draft-min 1", "--draft-n-min 1",
    "--spec-default"};
constexpr const char* kRefused[] = {
    "-cl", "--cache-list", "--completion-bash", "--server-base 1", "--verbose-prompt", "-sp", "--special",
    "-i", "--interactive", "-if", "--interactive-first", "--in-prefix-bos", "--in-prefix 1",
    "--in-suffix 1", "--adaptive-target 1", "--adaptive-decay 1", "--yarn-attn-factor 1", "-gan 1",
    "--grp-attn-n 1", "-gaw 1", "--grp-attn-w 1", "-mm 1", "--mmproj 1", "-mmu 1", "--mmproj-url 1",
    "--image 1", "--audio 1", "--video 1", "--rpc 1", "-dr 1", "--docker-repo 1", "-hfv 1", "-hfrv 1",
    "--hf-repo-v 1", "-hffv 1", "--hf-file-v 1", "-hft 1", "--hf-token 1", "--reasoning-budget-message 1",
    "--skip-chat-parsing", "--no-skip-chat-parsing", "--spec-draft-hf 1", "-hfd 1", "-hfrd 1",
    "--hf-repo-draft 1", "--gpt-oss-20b-default", "--gpt-oss-120b-default", "--vision-gemma-4b-default",
    "--vision-gemma-12b-default"};
// clang-format on

std::vector<std::string> words_of(const std::string& flag) {
  std::istringstream parts(flag);
  return {std::istream_iterator<std::string>(parts), {}};
}

// What parsing says; nothing where it goes through.
std::string complaint(const std::string& verb, const std::string& flag) {
  std::vector<std::string> words = words_of(flag);
  words.insert(words.begin(), verb);
  CLI::App app;
  Action action;
  (verb == "run" ? add_run : add_chat)(app, action);
  try {
    words = normalise_arguments(words);
    std::reverse(words.begin(), words.end());
    app.parse(words);
    return "";
  } catch (const std::exception& error) { return error.what(); }
}

bool is_ignored(const std::string& flag) {
  const std::string name = normalise_arguments(words_of(flag)).front();
  return std::ranges::any_of(ignored_flags(), [&](const IgnoredFlag& row) {
    return ("," + std::string(row.flags) + ",").find("," + name.substr(0, name.find('=')) + ",") !=
           std::string::npos;
  });
}

TEST(ForeignFlags, WhatIsDoneIsTaken) {
  for (const char* flag : kTaken) {
    EXPECT_EQ(complaint("chat", flag), "") << flag;
    EXPECT_FALSE(is_ignored(flag)) << flag;
  }
  for (const char* flag : kTakenByRun)
    EXPECT_EQ(complaint("run", std::string(flag) + " -m m.gguf"), "") << flag;
}

TEST(ForeignFlags, WhatMeansNothingHereIsAcceptedAndTold) {
  for (const char* flag : kWithoutEffect) {
    EXPECT_EQ(complaint("chat", flag), "") << flag;
    EXPECT_TRUE(is_ignored(flag)) << flag;
  }
}

TEST(ForeignFlags, WhatWouldChangeTheTextIsRefusedWithAReason) {
  for (const char* flag : kRefused)
    EXPECT_THAT(complaint("chat", flag),
                AllOf(Not(HasSubstr("not expected")), HasSubstr(": "), Not(HasSubstr("unknown"))))
        << flag;
}

TEST(ForeignFlags, OthersAreUnknown) { EXPECT_NE(complaint("chat", "--no-such-flag"), ""); }

}  // namespace
}  // namespace longhand::cli
