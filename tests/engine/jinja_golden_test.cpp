// Published chat templates render as the reference implementation renders them, byte for byte.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/chat/jinja/functions/json.h"
#include "engine/chat/jinja/template.h"
#include "ops/error.h"
#include "tests/support/golden.h"

namespace longhand::jinja {
namespace {

using nlohmann::ordered_json;

ordered_json variables_of(const ordered_json& model, const ordered_json& test,
                          const ordered_json& conversations) {
  ordered_json variables = {{"tools", nullptr}, {"documents", nullptr}};
  variables.update(conversations.at("conversations").at(test.at("conversation").get<std::string>()));
  variables["add_generation_prompt"] = test.at("add_generation_prompt");
  variables["bos_token"] = model.at("bos_token");
  variables["eos_token"] = model.at("eos_token");
  if (test.contains("extra")) variables.update(test.at("extra"));
  return variables;
}

TEST(JinjaGolden, TemplatesRenderExactly) {
  const std::string folder = test::golden("templates");
  LONGHAND_NEED_GOLDEN(folder);
  const auto conversations = ordered_json::parse(test::read_text(folder + "/conversations.json"));
  RenderOptions options;
  options.now = parse_iso8601(conversations.at("now").get<std::string>());
  int rendered = 0;
  for (const std::string& file : test::list_folder(folder)) {
    if (!file.ends_with(".json") || file == "conversations.json" || file == "meta.json") continue;
    const auto model = ordered_json::parse(test::read_text(folder + "/" + file));
    const Template tmpl(model.at("template").get<std::string>());
    for (const auto& test : model.at("cases")) {
      SCOPED_TRACE(file + " " + test.at("conversation").get<std::string>());
      Heap heap;
      const Value variables = from_json(heap, variables_of(model, test, conversations), false);
      try {
        const Text text = tmpl.render(heap, variables.dict(), options);
        ASSERT_TRUE(test.contains("expected")) << "should have failed: " << test.at("error");
        EXPECT_EQ(text.bytes(), test.at("expected").get<std::string>());
      } catch (const Error& error) {
        ASSERT_TRUE(test.contains("error")) << error.what();
        if (test.at("error_kind") == "raise_exception") {
          EXPECT_NE(std::string(error.what()).find(test.at("error").get<std::string>()), std::string::npos);
        }
      }
      ++rendered;
    }
  }
  EXPECT_GT(rendered, 0);
}

}  // namespace
}  // namespace longhand::jinja
