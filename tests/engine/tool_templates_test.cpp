// Chat templates as models bring them: each shows a call in a form that is recognised, and read again.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "engine/chat/chat_format.h"
#include "engine/chat/tools/call_form.h"
#include "tests/support/golden.h"

namespace longhand {
namespace {

ChatFormat format_of(const nlohmann::json& file) {
  ChatSource source;
  source.template_text = file.at("template");
  source.bos = file.value("bos_token", "");
  source.eos = file.value("eos_token", "");
  source.model_name = "test";
  source.now = jinja::parse_iso8601("2026-07-01T12:00:00");
  return ChatFormat(source);
}

// The form of each published template, and whether it shows tools, calls and results.
struct Known {
  std::string form;
  bool tools = true, calls = true, results = true;
};
const std::map<std::string, Known> kKnown = {
    {"Apertus-8B-Instruct", {"apertus"}},
    {"Apriel-1.6-15b-Thinker-fixed", {"apriel"}},
    {"ByteDance-Seed-OSS", {"seed"}},
    {"Cohere2MoE", {"cohere"}},
    {"CohereForAI-c4ai-command-r7b-12-2024-tool_use", {"cohere"}},
    {"GLM-4.6", {"glm"}},
    {"GigaChat3-10B-A1.8B", {"gigachat-role"}},
    {"GigaChat3.1-10B-A1.8B", {"gigachat"}},
    {"Kimi-K2-Instruct", {"kimi-k2"}},
    {"Kimi-K2-Thinking", {"kimi-k2"}},
    {"LFM2.5-8B-A1B", {"lfm2"}},
    {"LFM2.5-Instruct", {"hermes", true, false, true}},  // its vocabulary tells, not its template
    {"MiniMax-M2", {"minimax-m2"}},
    {"Mistral-Small-3.2-24B-Instruct-2506", {"mistral-id"}},
    {"NVIDIA-Nemotron-Nano-v2", {"nemotron"}},
    {"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", {"hermes"}},
    {"Qwen-QwQ-32B", {"hermes"}},
    {"Qwen-Qwen2.5-7B-Instruct", {"hermes"}},
    {"Qwen3-Coder", {"qwen3-coder"}},
    {"Qwen3.5-4B", {"qwen3-coder"}},
    {"StepFun3.5-Flash", {"qwen3-coder"}},
    {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", {"deepseek-v3", false, true, true}},
    {"deepseek-ai-DeepSeek-V3.1", {"deepseek-v3.1", false, true, true}},
    {"deepseek-ai-DeepSeek-V3.2", {"deepseek-v3.2"}},
    {"fireworks-ai-llama-3-firefunction-v2", {"hermes", false, false, false}},  // wants variables of its own
    {"google-gemma-2-2b-it", {"hermes", false, false, false}},
    {"google-gemma-4-31B-it", {"gemma"}},
    {"ibm-granite-granite-3.3-2B-Instruct", {"granite", true, false, true}},
    {"ibm-granite-granite-4.1", {"hermes"}},
    {"llama-cpp-deepseek-r1", {"deepseek-v3", false, true, true}},
    {"meetkai-functionary-medium-v3.1", {"functionary"}},
    {"meetkai-functionary-medium-v3.2", {"hermes", true, false, false}},  // a form that is not known
    {"meta-llama-Llama-3.2-3B-Instruct", {"llama3"}},
    {"meta-llama-Llama-3.3-70B-Instruct", {"llama3"}},
    {"mistralai-Ministral-3-14B-Reasoning-2512", {"mistral-args"}},
    {"mistralai-Mistral-Nemo-Instruct-2407", {"mistral-list"}},
    {"openai-gpt-oss-120b", {"gpt-oss"}},
    {"openbmb-MiniCPM5-1B", {"minicpm"}},
    {"poolside-Laguna-XS-2.1", {"glm"}},
    {"poolside-Laguna-XS.2", {"glm"}},
    {"unsloth-Apriel-1.5", {"apriel"}},
    {"unsloth-mistral-Devstral-Small-2507", {"mistral-args"}},
};

TEST(ToolTemplates, PublishedOnesAreRecognised) {
  const std::string folder = test::golden("templates");
  LONGHAND_NEED_GOLDEN(folder);
  for (const std::string& file : test::list_folder(folder)) {
    if (!file.ends_with(".json") || file == "conversations.json" || file == "meta.json") continue;
    SCOPED_TRACE(file);
    const auto known = kKnown.find(file.substr(0, file.size() - 5));
    const ChatFormat format = format_of(nlohmann::json::parse(test::read_text(folder + "/" + file)));
    const ToolDialect& found = format.tools();
    ASSERT_NE(found.form, nullptr);
    if (known == kKnown.end()) continue;  // one of those kept back
    EXPECT_EQ(found.form->name, known->second.form);
    EXPECT_EQ(found.shows_tools, known->second.tools);
    EXPECT_EQ(found.shows_calls, known->second.calls);
    EXPECT_EQ(found.shows_results, known->second.results);
  }
}

}  // namespace
}  // namespace longhand
