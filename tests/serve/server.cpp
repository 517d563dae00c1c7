#include "tests/serve/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/golden.h"

namespace longhand::test {

Server::Server(Arguments more, std::string model) {
  if (model.empty()) model = std::string(LONGHAND_GUIDE) + "/guide-q8_0.gguf";
  Arguments arguments = {LONGHAND_PROGRAM, "serve", "--port", "0", "-t", "2"};
  if (model != "-") arguments.push_back(model);
  arguments.insert(arguments.end(), more.begin(), more.end());
  std::vector<char*> words;
  for (std::string& word : arguments) words.push_back(word.data());
  words.push_back(nullptr);
  const std::string out = folder_.file("out"), err = folder_.file("err");
  process_ = ::fork();
  if (process_ == 0) {
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  const bool serves = becomes([&] {
    const std::string line = read_text(out);
    constexpr std::string_view kHost = "://127.0.0.1:";
    const std::size_t at = line.rfind(kHost);
    if (at != std::string::npos) port_ = std::stoi(line.substr(at + kHost.size()));
    return line.find(" serves ") != std::string::npos || ::waitpid(process_, nullptr, WNOHANG) != 0;
  });
  EXPECT_TRUE(serves) << log();
}

Server::~Server() {
  if (status_ >= 0) return;
  signal(SIGTERM);
  if (wait() < 0) ::kill(process_, SIGKILL);
}

Reply Server::request(const std::string& method, const std::string& path, const std::string& body,
                      const Headers& headers) const {
  Connected connection(port_);
  connection.send(request_text(method, path, body, headers));
  return connection.read_reply(method == "HEAD");
}

void Server::signal(int number) const { ::kill(process_, number); }

int Server::wait() {
  int status = 0;
  if (!becomes([&] { return ::waitpid(process_, &status, WNOHANG) != 0; })) return -1;
  return status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string Server::log() const { return read_text(folder_.file("err")); }

nlohmann::json chat_body(const std::string& message, const nlohmann::json& more) {
  nlohmann::json body = {{"messages", {{{"role", "user"}, {"content", message}}}}, {"temperature", 0}};
  body.update(more);
  return body;
}

std::string content_of(const Reply& reply) {
  if (reply.status != 200) return reply.body;
  return reply.json()["choices"][0]["message"]["content"].get<std::string>();
}

}  // namespace longhand::test
