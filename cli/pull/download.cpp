#include "cli/pull/download.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "cli/pull/part_file.h"
#include "cli/pull/patience.h"
#include "cli/pull/sha256.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr std::string_view kMagic = "GGUF";

std::string size_text(std::int64_t bytes) { return format_bytes(std::uint64_t(bytes)); }

class Download {
 public:
  Download(const RemoteFile& file, std::string token, const std::string& denied)
      : file_(file),
        token_(std::move(token)),
        sha256_(file.sha256),
        total_(file.bytes),
        part_(file.path),
        patience_(file.name, denied),
        bar_(file.name) {}

  void run() {
    if (is_there(file_)) return;  // another process was faster
    take_up();
    announce();
    do fetch();
    while (!is_right());
    bar_.clear();
    part_.place();
  }

 private:
  // What is there counts, and is read once more for its checksum.
  void take_up() {
    if (total_ >= 0 && part_.size() > total_) part_.empty();
    if (file_.sha256.empty() && part_.tag().empty()) part_.empty();  // perhaps of another version
    resumed_ = part_.size() > 0;
    std::int64_t seen = 0;
    part_.read([&](std::span<const std::byte> bytes) {
      if (signal_waiting()) throw Error(Errc::cancelled, file_.name + ": stopped");
      count(bytes);
      seen += std::int64_t(bytes.size());
      bar_.update(0.99 * double(seen) / double(part_.size()));
    });
    bar_.begin_at(total_ > 0 ? double(part_.size()) / double(total_) : 0);
  }

  void announce() const {
    std::string text = "downloading " + file_.name;
    if (total_ >= 0) text += ", " + size_text(total_);
    if (resumed_) text += fmt::format("; {} are there", size_text(part_.size()));
    print_note(text);
  }

  void count(std::span<const std::byte> bytes) {
    hash_.add(bytes);
    const std::size_t missing = std::min(kMagic.size() - start_.size(), bytes.size());
    start_.append(reinterpret_cast<const char*>(bytes.data()), missing);
  }

  void start_anew() {
    part_.empty();
    hash_.finish();
    start_.clear();
    resumed_ = false;
    bar_.begin_at(0);
  }

  void fetch() {
    while (total_ < 0 || part_.size() < total_) {
      WebRequest request{file_.url, token_, {}, part_.size()};
      if (part_.size() > 0 && file_.sha256.empty()) request.headers.push_back("If-Range: " + part_.tag());
      bool begins = true;
      const WebReply reply = http_get(request, [&](const WebReply& so_far, std::span<const std::byte> bytes) {
        const bool wanted = !begins || accept(so_far);
        begins = false;
        return wanted && take(bytes);
      });
      check(reply);
      const bool good = reply.end == HttpEnd::whole && (reply.status == 200 || reply.status == 206);
      if (good && (total_ < 0 || part_.size() == total_)) return;
      if (reply.status == 416 && part_.size() > 0) {  // there is nothing behind what is there
        if (reply.total == part_.size()) return;
        start_anew();
        continue;
      }
      patience_.wait(request, reply, [this](const std::string& text) { bar_.note(text); });
    }
  }

  // Looks at an answer before its first byte is taken; false: it is of no use.
  bool accept(const WebReply& reply) {
    found_ = reply.total;
    if (file_.bytes >= 0 && found_ >= 0 && found_ != file_.bytes) return false;
    if (reply.first != part_.size()) {
      if (reply.first != 0) return false;
      start_anew();  // a server that sends all of it, or has another version now
    }
    if (file_.bytes < 0) total_ = found_;
    if (file_.sha256.empty()) {
      sha256_ = reply.sha256;
      part_.set_tag(reply.etag);
    }
    return true;
  }

  bool take(std::span<const std::byte> bytes) {
    write_error_ = part_.append(bytes);
    if (write_error_ != 0) return false;
    count(bytes);
    patience_.progress();
    if (total_ > 0) bar_.update(std::min(0.999, double(part_.size()) / double(total_)));
    bar_.label(fmt::format("{} {}", file_.name, size_text(part_.size())));
    return true;
  }

  void check(const WebReply& reply) const {
    if (write_error_ != 0)
      throw Error(Errc::io,
                  fmt::format("cannot write {}: {}; the next download goes on with the {} that are there",
                              file_.path, std::strerror(write_error_), size_text(part_.size())));
    if (reply.end == HttpEnd::stopped && file_.bytes >= 0 && found_ >= 0 && found_ != file_.bytes)
      throw Error(Errc::mismatch, fmt::format("{}: has {} bytes at {}, must have {}", file_.name, found_,
                                              host_of(file_.url), file_.bytes));
  }

  // Whether the bytes are the promised ones; false: they are fetched once more.
  bool is_right() {
    const std::string sum = hash_.finish();
    if (sha256_.empty()) {
      check_magic();
      return true;
    }
    if (sum == sha256_) return true;
    const bool resumed = resumed_;
    start_anew();
    if (!resumed)
      throw Error(Errc::corrupt,
                  fmt::format("{}: the SHA-256 of what came is {}, must be {}; it is thrown away", file_.name,
                              sum, sha256_));
    bar_.note(fmt::format("{}: what was there does not belong to it; downloading all of it", file_.name));
    return false;
  }

  void check_magic() {
    if (start_ == kMagic) return;
    const std::string start = start_;
    start_anew();
    throw Error(Errc::magic,
                fmt::format("{}: what came begins with '{}', must begin with '{}'; it is thrown away",
                            file_.name, start, kMagic));
  }

  const RemoteFile& file_;
  std::string token_, sha256_, start_;
  std::int64_t total_, found_ = -1;  // bytes: as promised or told, and as the last answer had it
  bool resumed_ = false;
  int write_error_ = 0;
  PartFile part_;
  Patience patience_;
  ProgressBar bar_;
  Sha256 hash_;
};

}  // namespace

std::int64_t bytes_begun(const RemoteFile& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file.path + std::string(kIncomplete), error);
  const bool usable = !error && (file.bytes < 0 || std::int64_t(size) <= file.bytes);
  return usable ? std::int64_t(size) : 0;
}

void download(const RemoteFile& file, const std::string& token, const std::string& denied) {
  Download(file, token, denied).run();
}

}  // namespace longhand::cli
