#include "engine/make/gguf_output.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/sampling/schema/schema_set.h"
#include "engine/state/checksum.h"

namespace longhand {

GgufEntry copy_entry(const MetaEntry& entry) {
  std::string value;
  if (entry.type == ValueType::array) value = gguf_bytes(entry.element) + gguf_bytes(entry.count);
  value.append(reinterpret_cast<const char*>(entry.data.data()), entry.data.size());
  return {std::string(entry.key), std::uint32_t(entry.type), std::move(value)};
}

std::vector<GgufEntry> copy_metadata(const Gguf& file) {
  std::vector<GgufEntry> entries;
  for (const MetaEntry& entry : file.metadata()) {
    if (!entry.key.starts_with("split.")) entries.push_back(copy_entry(entry));
  }
  return entries;
}

GgufOutput::GgufOutput(const std::string& path, GgufHead head, FileCalls& calls)
    : head_(std::move(head)), file_(path, calls, kOrdinary) {
  calls.unlink((file_.temporary() + std::string(kJournal)).c_str());  // of another that was ended
  begin();
}

GgufOutput::GgufOutput(const std::string& path, GgufHead head, const std::string& sources,
                       const OutputJournal::Checked& checked)
    : head_(std::move(head)),
      journal_(std::in_place, sources),
      file_(path, system_calls(), kOrdinary, [&](int left, const std::string& temporary) {
        return journal_->check(left, temporary, head_, checked);
      }) {
  if (file_.taken_over() > 0) tensor_ = journal_->finished();
  journal_->open(file_.temporary(), file_.taken_over() > 0);
  if (file_.taken_over() == 0) {
    begin();
  } else {
    end_tensor();
  }
}

// The journal goes before the file, whose lock keeps others away.
GgufOutput::~GgufOutput() { journal_.reset(); }

void GgufOutput::begin() {
  const std::string bytes = head_.bytes();
  file_.write(std::as_bytes(std::span(bytes)));
  end_tensor();
}

void GgufOutput::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    if (tensor_ == head_.tensors.size()) throw std::logic_error("more data than the tensors have");
    const std::uint64_t left = head_.tensors[tensor_].bytes - written_;
    const std::size_t n = std::min(data.size(), std::size_t(left));
    file_.write(data.first(n));
    if (journal_) checksum_ = crc32c(data.first(n), checksum_);
    data = data.subspan(n);
    written_ += n;
    end_tensor();
  }
}

// Goes on to the next tensor that has data.
void GgufOutput::end_tensor() {
  while (tensor_ < head_.tensors.size() && written_ == head_.tensors[tensor_].bytes) {
    const std::vector<std::byte> padding(head_.round_up(written_) - written_);
    file_.write(padding);
    if (journal_) journal_->add(crc32c(padding, std::exchange(checksum_, 0)));
    written_ = 0;
    ++tensor_;
  }
}

bool GgufOutput::is_worth_keeping(double seconds) const noexcept {
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started_;
  return journal_ && journal_->good() && (taken.count() >= seconds || file_.taken_over() > 0);
}

void GgufOutput::keep() noexcept {
  file_.keep();
  if (journal_) journal_->keep();
}

void GgufOutput::commit() {
  if (tensor_ != head_.tensors.size()) throw std::logic_error("less data than the tensors have");
  file_.commit();
}

bool keep_worthy(const GgufOutputs& outputs, double seconds) noexcept {
  const auto worth = [&](const auto& out) { return out->is_worth_keeping(seconds); };
  if (std::ranges::none_of(outputs, worth)) return false;
  for (const auto& out : outputs) out->keep();
  return true;
}

Error kept_for_later(const Error& error) {
  return {error.code(), plain_message(error) + "; what is done is kept, and the same run goes on from there"};
}

}  // namespace longhand
