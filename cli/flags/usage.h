// What is told of a command line that makes no sense, and what of it comes from the environment.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace longhand::cli {

/// `arguments`, the verb first, with the flags that llama.cpp takes from the environment (LLAMA_ARG_CTX_SIZE
/// and so on) and OMP_NUM_THREADS behind the verb; those that are given stay as they are.
std::vector<std::string> with_environment(const CLI::App& app, std::vector<std::string> arguments);

/// Of a first word that is no verb of `app`.
std::string unknown_verb(const CLI::App& app, const std::string& word);

/// Of words that the verb which was parsed has no use for, in the order they were given.
std::string unexpected_words(const CLI::App& app);

}  // namespace longhand::cli
