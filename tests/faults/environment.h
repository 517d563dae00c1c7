// A host that is unlike others, and what can be done on it. Each case runs in a process of its own.
#pragma once

#include <grp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "ops/error.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {

struct Case {
  const char* name;
  std::function<bool()> holds;  // run in a child
};
class Environment : public testing::TestWithParam<Case> {};

inline std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }

// A path in a folder that everybody may enter.
inline std::string in(const std::string& name) {
  static const TempDir dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  return dir.file(name);
}

inline std::optional<Errc> error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) { return error.code(); }
  return std::nullopt;
}

// Rights of nobody, so that they can be refused; where tests are not run by root they are limited as they
// are.
inline void become_nobody() {
  if (::geteuid() != 0) return;
  if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(77);
}

inline bool saves_and_restores(const std::string& path) {
  Session session(tiny(), small_session());
  session.feed(some_tokens(9));
  session.save_state(path);
  Session other(tiny(), small_session());
  other.restore_state(path);
  return other.size() == 9;
}
inline bool save_is_refused(const std::string& path) {
  Session session(tiny(), small_session());
  session.feed(some_tokens(9));
  const auto code = error_of([&] { session.save_state(path); });
  return code == Errc::io && session.feed(some_tokens(1)).size() == 300;
}
inline bool load_is_refused(const std::string& path) {
  return error_of([&] { Model::load(path, one_thread()); }) == Errc::io && a_model_works();
}

}  // namespace longhand::test
