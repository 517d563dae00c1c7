// The folder of saved chats, and the one that is open: nobody else changes that meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/chat/chat_record.h"
#include "engine/state/atomic_file.h"

namespace longhand::cli {

/// One file of the folder.
struct SavedChat {
  std::string name;
  std::string title;  // of what was first said; "" where the file cannot be read
  std::size_t turns = 0;
  std::chrono::system_clock::time_point changed;
  std::uintmax_t bytes = 0;
};

class ChatStore {
 public:
  /// data_folder()/chats; "" where there is none.
  static std::string default_folder();

  explicit ChatStore(std::string folder, FileCalls& calls = system_calls());
  ~ChatStore();
  ChatStore(const ChatStore&) = delete;
  ChatStore& operator=(const ChatStore&) = delete;

  /// In alphabetical order.
  std::vector<std::string> names() const;
  /// All of them, the last one changed first.
  std::vector<SavedChat> list() const;
  bool has(const std::string& name) const;

  /// Both make `name` the open chat. Throws Error, and then file and open chat are as before: range (a name
  /// of other characters than A-Z a-z 0-9 . _ -, or not beginning with a letter or digit), io, busy (open in
  /// another process); load() also missing, and what read_record() and `use` throw. `use` may take the
  /// record's parts.
  void save(const std::string& name, const ChatRecord& record);
  void load(const std::string& name, const std::function<void(ChatRecord& record)>& use);
  /// save() of the open chat, unless the file holds `record` already.
  void update(const ChatRecord& record);

  /// Deletes a chat that is not open, and its cache. What fails is left.
  void remove(const std::string& name) const noexcept;
  void remove_cache(const std::string& name) const noexcept;

  /// Where a cache for a chat of this name belongs. Throws Error (io, range) as save() does.
  std::string cache_path(const std::string& name) const { return path_of(name, ".cache"); }

  /// "" while no chat is open.
  const std::string& open_name() const noexcept { return open_name_; }
  void close() noexcept;

 private:
  static constexpr std::string_view kEnding = ".json";
  std::string path_of(const std::string& name, std::string_view ending = kEnding) const;
  void hold(const std::string& name, int file, std::string content);
  void write(const std::string& name, std::string content);

  std::string folder_;
  FileCalls& calls_;
  std::string open_name_;
  int open_file_ = -1;   // locked
  std::string content_;  // of that file
};

}  // namespace longhand::cli
