// Files where nobody would look for them, and folders that belong to others.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ops/error.h"
#include "tests/faults/environment.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

bool loads_copy_at(const std::string& path) {
  std::filesystem::copy_file(tiny_path(), path);
  return Model::load(path, one_thread()).info().vocab == 300;
}

std::vector<Case> paths() {
  return {
      {"PathWithSpaces",
       [] { return loads_copy_at(in("a b  c.gguf")) && saves_and_restores(in("a b state")); }},
      {"PathWithNewline",
       [] { return loads_copy_at(in("a\nb.gguf")) && saves_and_restores(in("a\nstate")); }},
      {"PathThatIsNoUtf8",
       [] { return loads_copy_at(in("\xFF\xFE.gguf")) && saves_and_restores(in("\xC3")); }},
      {"PathWithLeadingDash",
       [] {
         std::filesystem::current_path(std::filesystem::path(in("x")).parent_path());
         return loads_copy_at("-m.gguf") && saves_and_restores("-state");
       }},
      {"RelativePathAfterChdir",
       [] {
         std::filesystem::create_directory(in("deeper"));
         std::filesystem::current_path(in("deeper"));
         return loads_copy_at("../up.gguf") && saves_and_restores("../up.state") &&
                saves_and_restores("here");
       }},
      {"FolderThatIsGone",
       [] {
         std::filesystem::create_directory(in("gone"));
         std::filesystem::current_path(in("gone"));
         std::filesystem::remove(in("gone"));
         return a_model_works() && save_is_refused("state") && load_is_refused("tiny.gguf");
       }},
      {"LongestName", [] { return loads_copy_at(in(std::string(255, 'n'))); }},
      {"NameTooLong",
       [] {
         const std::string path = in(std::string(256, 'n'));
         return load_is_refused(path) && save_is_refused(path);
       }},
      {"PathTooLong",
       [] {
         std::string path = "/tmp";
         while (path.size() < 5000) path += "/..//tmp";
         return load_is_refused(path) && save_is_refused(path);
       }},
      {"EmptyPath", [] { return load_is_refused("") && save_is_refused(""); }},
      {"PathWithNul", [] { return load_is_refused(in("x") + std::string("\0y", 2)); }},
      {"PathThatIsAFolder", [] { return load_is_refused(in("")) && save_is_refused(in("")); }},
      {"MissingFolder",
       [] { return save_is_refused(in("no/such/folder")) && load_is_refused(in("no/x.gguf")); }},
      {"LoopOfLinks",
       [] {
         std::filesystem::create_symlink("loop", in("loop"));
         return load_is_refused(in("loop")) &&
                error_of([&] { Session(tiny(), small_session()).restore_state(in("loop")); }) == Errc::io;
       }},
  };
}
INSTANTIATE_TEST_SUITE_P(Paths, Environment, testing::ValuesIn(paths()), name_of);

std::vector<Case> rights() {
  return {
      {"FolderOfSomebodyElse",
       [] {
         (void)tiny();
         const std::string dir = in("theirs");
         std::filesystem::create_directory(dir);
         std::filesystem::permissions(
             dir, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec |
                      std::filesystem::perms::others_read | std::filesystem::perms::others_exec);
         become_nobody();
         Session session(tiny(), small_session());
         session.feed(some_tokens(9));
         return error_of([&] { session.save_state(dir + "/state"); }) == Errc::io &&
                session.feed(some_tokens(1)).size() == 300;
       }},
      {"StateOfSomebodyElse",
       [] {
         const std::string dir = in("theirs2");
         std::filesystem::create_directory(dir);
         if (!saves_and_restores(dir + "/state")) return false;
         std::filesystem::permissions(dir, std::filesystem::perms::all);
         if (::geteuid() != 0) return true;  // it is our own then
         become_nobody();
         Session session(tiny(), small_session());
         return error_of([&] { session.restore_state(dir + "/state"); }) == Errc::io && session.size() == 0;
       }},
      {"ModelThatMayNotBeRead",
       [] {
         (void)tiny();
         const std::string dir = in("theirs3");
         std::filesystem::create_directory(dir);
         std::filesystem::copy_file(tiny_path(), dir + "/secret.gguf");
         std::filesystem::permissions(dir + "/secret.gguf", std::filesystem::perms::none);
         std::filesystem::permissions(dir, std::filesystem::perms::all);
         become_nobody();
         return error_of([&] { Model::load(dir + "/secret.gguf", one_thread()); }) == Errc::io;
       }},
      {"UmaskOfNothing",
       [] {
         ::umask(0);
         if (!saves_and_restores(in("umask0"))) return false;
         struct stat status {};
         return ::stat(in("umask0").c_str(), &status) == 0 && (status.st_mode & 0777U) == 0600U;
       }},
      {"UmaskOfEverything",
       [] {
         ::umask(0777);
         Session session(tiny(), small_session());
         session.feed(some_tokens(9));
         ::umask(022);
         const std::string dir = in("umasked");
         std::filesystem::create_directory(dir);
         ::umask(0777);
         return !error_of([&] { session.save_state(dir + "/state"); }) &&
                std::filesystem::exists(dir + "/state");
       }},
      {"RootWithoutProc",
       [] {
         const std::string dir = in("root");
         std::filesystem::create_directory(dir);
         std::filesystem::copy_file(tiny_path(), dir + "/m.gguf");
         if (::geteuid() != 0 || ::chroot(dir.c_str()) != 0 || ::chdir("/") != 0) return true;
         Session session(Model::load("/m.gguf"), {.context = 64});
         return session.feed(some_tokens(5)).size() == 300;
       }},
  };
}
INSTANTIATE_TEST_SUITE_P(Rights, Environment, testing::ValuesIn(rights()), name_of);

}  // namespace
}  // namespace longhand::test
