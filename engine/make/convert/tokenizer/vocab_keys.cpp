#include "engine/make/convert/tokenizer/vocab_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "loaders/gguf/mapped_file.h"
#include "loaders/safetensors/json_file.h"
#include "loaders/vocab/token_roles.h"

namespace longhand {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr std::size_t kMostTemplateBytes = std::size_t{16} << 20;
constexpr std::size_t kMostTemplates = 64;  // with names

struct SpecialRow {
  std::string_view name;  // "bos_token" and "bos_token_id" in JSON
  std::string_view key;
};
constexpr SpecialRow kSpecials[] = {
    {"bos", "tokenizer.ggml.bos_token_id"},     {"eos", "tokenizer.ggml.eos_token_id"},
    {"unk", "tokenizer.ggml.unknown_token_id"}, {"sep", "tokenizer.ggml.seperator_token_id"},
    {"pad", "tokenizer.ggml.padding_token_id"}, {"mask", "tokenizer.ggml.mask_token_id"}};

/// A JSON file of the folder; an empty object where there is none.
HubConfig optional_file(const std::string& folder, const std::string& name) {
  const std::string path = (fs::path(folder) / name).string();
  std::error_code error;
  return {fs::exists(path, error) ? read_json_file(path, kMostTokenizerBytes) : json::object(), path};
}

class VocabKeys {
 public:
  VocabKeys(const std::string& folder, const HubConfig& config, const HubVocab& vocab, ModelKeys& keys)
      : folder_(folder),
        config_(config),
        settings_(optional_file(folder, "tokenizer_config.json")),
        generation_(optional_file(folder, "generation_config.json")),
        vocab_(vocab),
        keys_(keys) {}

  void run() {
    add_tokens();
    add_specials();
    add_ends();
    add_flags();
    add_templates();
  }

 private:
  void set(const std::string& key, std::uint32_t id) { keys_.set(gguf_entry(key, id)); }

  void add_tokens() {
    keys_.set(gguf_entry("tokenizer.ggml.model", vocab_.model));
    if (!vocab_.pre.empty()) keys_.set(gguf_entry("tokenizer.ggml.pre", vocab_.pre));
    keys_.set(gguf_array("tokenizer.ggml.tokens", vocab_.tokens));
    if (!vocab_.scores.empty()) keys_.set(gguf_array("tokenizer.ggml.scores", vocab_.scores));
    keys_.set(gguf_array("tokenizer.ggml.token_type", vocab_.types));
    if (!vocab_.merges.empty()) keys_.set(gguf_array("tokenizer.ggml.merges", vocab_.merges));
  }

  std::optional<std::uint32_t> id_of(std::string_view token) const {
    const auto at = std::ranges::find(vocab_.tokens, token);
    if (token.empty() || at == vocab_.tokens.end()) return std::nullopt;
    return std::uint32_t(at - vocab_.tokens.begin());
  }

  // A text, or an object with it as its content.
  std::string token_named(const std::string& name) const {
    const auto found = settings_.json().find(name);
    if (found == settings_.json().end()) return "";
    if (found->is_string()) return found->get<std::string>();
    if (found->is_object()) return settings_.object(name).find_text("content").value_or("");
    return "";
  }

  // One id or several; what is no token is passed over.
  std::vector<std::uint32_t> ids_of(const HubConfig& file, const std::string& key) const {
    std::vector<std::uint32_t> ids;
    const auto take = [&](const json& value) {
      if (value.is_number_unsigned() && value.get<std::uint64_t>() < vocab_.tokens.size())
        ids.push_back(value.get<std::uint32_t>());
    };
    const auto found = file.json().find(key);
    if (found == file.json().end()) return ids;
    if (found->is_array()) {
      std::ranges::for_each(*found, take);
    } else {
      take(*found);
    }
    return ids;
  }

  void add_specials() {
    for (const SpecialRow& row : kSpecials) {
      std::optional<std::uint32_t> id = id_of(token_named(fmt::format("{}_token", row.name)));
      for (const HubConfig* file : std::initializer_list<const HubConfig*>{&config_, &generation_}) {
        const auto ids = ids_of(*file, fmt::format("{}_token_id", row.name));
        if (!id && !ids.empty()) id = ids.front();
      }
      if (!id) continue;
      specials_[std::string(row.name)] = *id;
      set(std::string(row.key), *id);
    }
  }

  // Further tokens that end an answer: the first two that readers do not know by their names.
  void add_ends() {
    std::vector<std::uint32_t> ends = ids_of(generation_, "eos_token_id");
    for (const std::uint32_t id : ids_of(config_, "eos_token_id")) ends.push_back(id);
    std::vector<std::string_view> free_keys = {"tokenizer.ggml.eom_token_id", "tokenizer.ggml.eot_token_id"};
    std::vector<std::uint32_t> done;
    for (const std::uint32_t id : ends) {
      const bool seen = std::ranges::find(done, id) != done.end();
      if (seen || free_keys.empty() || known_end(id)) continue;
      set(std::string(free_keys.back()), id);
      free_keys.pop_back();
      done.push_back(id);
    }
  }
  bool known_end(std::uint32_t id) const {
    const auto eos = specials_.find("eos");
    return (eos != specials_.end() && eos->second == id) || ends_generation_by_name(vocab_.tokens[id]);
  }

  void add_flags() {
    if (!vocab_.scores.empty() || vocab_.model == "gemma4") {
      const std::optional<bool> stated = settings_.find_flag("add_prefix_space");
      keys_.set(gguf_entry("tokenizer.ggml.add_space_prefix", stated.value_or(vocab_.adds_space)));
    }
    // What the template of tokenizer.json puts around a text, unless the settings say so themselves.
    const std::vector<std::string>& around = vocab_.around;
    std::optional<bool> bos, eos;
    if (!around.empty()) {
      bos = is_special("bos", around.front());
      eos = is_special("eos", around.back());
    } else if (vocab_.model == "gpt2") {
      bos = false;
    }
    add_flag("bos", bos);
    add_flag("eos", eos);
  }
  void add_flag(const std::string& name, std::optional<bool> otherwise) {
    const std::optional<bool> stated = settings_.find_flag(fmt::format("add_{}_token", name));
    const bool has_token = specials_.contains(name);
    if (const auto value = stated ? stated : otherwise)
      keys_.set(gguf_entry(fmt::format("tokenizer.ggml.add_{}_token", name), *value && has_token));
  }

  bool is_special(std::string_view name, const std::string& token) const {
    const auto known = specials_.find(name);
    return known != specials_.end() && id_of(token) == known->second;
  }

  void add_template(const std::string& name, const std::string& text) {
    const bool main = name.empty() || name == "default";
    keys_.set(gguf_entry(main ? "tokenizer.chat_template" : "tokenizer.chat_template." + name, text));
    if (main || std::ranges::find(other_templates_, name) != other_templates_.end()) return;
    if (other_templates_.size() == kMostTemplates)
      throw Error(Errc::limit,
                  fmt::format("{}: more than {} chat templates with names", folder_, kMostTemplates));
    other_templates_.push_back(name);
  }

  void add_template_file(const std::string& name, const std::string& path) {
    const MappedFile file(path);
    const std::size_t size = file.bytes().size();
    if (size > kMostTemplateBytes)
      throw Error(Errc::limit,
                  fmt::format("{}: {} bytes, must be at most {}", path, size, kMostTemplateBytes));
    add_template(name, {reinterpret_cast<const char*>(file.bytes().data()), size});
  }

  void add_templates() {
    const std::string path = (fs::path(folder_) / "chat_template.jinja").string();
    std::error_code error;
    if (fs::exists(path, error)) {
      add_template_file("", path);
    } else {
      add_stated_templates();
    }
    add_further_templates();
    if (!other_templates_.empty()) keys_.set(gguf_array("tokenizer.chat_templates", other_templates_));
  }

  // Newer folders have a file for each template that has a name.
  void add_further_templates() {
    const fs::path folder = fs::path(folder_) / "additional_chat_templates";
    std::error_code error;
    std::vector<fs::path> files;
    for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
      if (entry->path().extension() == ".jinja") files.push_back(entry->path());
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) add_template_file(file.stem().string(), file.string());
  }

  void add_stated_templates() {
    const HubConfig own = optional_file(folder_, "chat_template.json");
    const HubConfig& file = settings_.has("chat_template") ? settings_ : own;
    const auto found = file.json().find("chat_template");
    if (found == file.json().end()) return;
    if (found->is_string()) return add_template("", found->get<std::string>());
    if (!found->is_array()) return;
    for (const json& named : *found) {
      const HubConfig entry(named, file.where() + ": chat_template");
      add_template(entry.find_text("name").value_or(""), entry.find_text("template").value_or(""));
    }
  }

  const std::string& folder_;
  const HubConfig& config_;
  HubConfig settings_, generation_;
  const HubVocab& vocab_;
  ModelKeys& keys_;
  std::map<std::string, std::uint32_t, std::less<>> specials_;  // of the names in kSpecials
  std::vector<std::string> other_templates_;
};

}  // namespace

void add_vocab_keys(const std::string& folder, const HubConfig& config, const HubVocab& vocab,
                    ModelKeys& keys) {
  VocabKeys(folder, config, vocab, keys).run();
}

}  // namespace longhand
