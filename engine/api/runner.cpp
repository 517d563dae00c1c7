// Many sessions computed together: their next tokens go through the layers in one pass, and weights are read
// once.

#include <algorithm>
#include <utility>

#include "engine/api/runner_impl.h"
#include "engine/api/session_impl.h"
#include "engine/types/memory_errors.h"
#include "engine/types/options.h"

namespace longhand {
namespace {

// All passes of one run().
class Passes {
 public:
  Passes(PassRunner& runner, std::vector<Session::Impl*> sessions)
      : runner_(runner), sessions_(std::move(sessions)) {}

  void run() {
    while (next_pass()) {
      const std::atomic<bool> never{false};
      const bool done =
          runner_.run({slices_, tokens_, wanted_}, never, [&](int i, std::span<const float> row) {
            Session::Impl& s = *finishing_[std::size_t(i)];
            std::copy(row.begin(), row.end(), s.logits.begin());
            s.logits_position = int(s.sequence.tokens.size()) - 1;
          });
      if (!done) throw Error(Errc::cancelled, "the computation was cancelled");
      for (std::size_t i = 0; i < slices_.size(); ++i) in_pass_[i]->sequence.remembered += slices_[i].rows;
    }
  }

 private:
  static int left(const Session::Impl& s) { return int(s.sequence.tokens.size()) - s.sequence.remembered; }

  // Each session gets an even share of the rows that those before it leave.
  bool next_pass() {
    slices_.clear(), tokens_.clear(), wanted_.clear(), in_pass_.clear(), finishing_.clear();
    auto waiting =
        std::count_if(sessions_.begin(), sessions_.end(), [](const auto* s) { return left(*s) > 0; });
    int room = runner_.rows();
    for (Session::Impl* s : sessions_) {
      if (left(*s) == 0) continue;
      s->stop_if(s->cancel.load());
      const int share = std::max(1, room / int(waiting--));
      const int n = std::min({left(*s), share, s->batch(), room});
      if (n == 0) continue;
      add(*s, n);
      room -= n;
    }
    return !slices_.empty();
  }

  void add(Session::Impl& s, int n) {
    s.logits_position = -1;
    const bool last = n == left(s);
    s.sequence.states.keep(s.sequence.remembered, last && n > kDecodeTokens);
    slices_.push_back(s.sequence.next_slice(n, int(tokens_.size())));
    const auto next = s.sequence.next_tokens(n);
    tokens_.insert(tokens_.end(), next.begin(), next.end());
    in_pass_.push_back(&s);
    if (!last) return;
    wanted_.push_back(int(tokens_.size()) - 1);
    finishing_.push_back(&s);
  }

  PassRunner& runner_;
  std::vector<Session::Impl*> sessions_;
  std::vector<Slice> slices_;
  std::vector<Token> tokens_;
  std::vector<int> wanted_;
  std::vector<Session::Impl*> in_pass_, finishing_;  // of each slice, of each wanted row
};

// Tokens are appended to all sessions, or to none.
class Appended {
 public:
  explicit Appended(std::span<const Runner::Feed> feeds, std::vector<Session::Impl*> sessions)
      : sessions_(std::move(sessions)) {
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      Sequence& sequence = sessions_[i]->sequence;
      before_.push_back(sequence.tokens.size());
      sequence.tokens.insert(sequence.tokens.end(), feeds[i].tokens.begin(), feeds[i].tokens.end());
      sessions_[i]->feeding = true;
    }
  }
  ~Appended() {
    for (std::size_t i = 0; i < before_.size(); ++i) {
      sessions_[i]->feeding = false;
      if (!kept_) sessions_[i]->take_back(before_[i]);
    }
  }
  Appended(const Appended&) = delete;
  Appended& operator=(const Appended&) = delete;
  void keep() noexcept { kept_ = true; }

 private:
  std::vector<Session::Impl*> sessions_;
  std::vector<std::size_t> before_;
  bool kept_ = false;
};

}  // namespace

Runner::Runner(const Model& model, const RunnerOptions& options)
    : impl_(translate_memory_errors([&] {
        check_options(kRunnerOptions, options);
        const ThreadCounts threads = choose_threads(model.data(), options.threads, options.prefill_threads);
        const WorkspaceSizes sizes{.rows = options.batch,
                                   .workers = std::max(threads.decode, threads.prefill)};
        return std::make_unique<Impl>(
            Impl{model, std::make_shared<PassRunner>(model.data(), threads.decode, threads.prefill, sizes)});
      })) {}
Runner::~Runner() = default;
Runner::Runner(Runner&&) noexcept = default;
Runner& Runner::operator=(Runner&&) noexcept = default;

void Runner::run(std::span<const Feed> feeds) {
  std::vector<Session::Impl*> sessions;
  for (const Feed& feed : feeds) {
    Session::Impl& s = *feed.session.impl_;
    if (s.runner != impl_->runner) throw Error(Errc::range, "a session of a run belongs to another runner");
    if (std::ranges::find(sessions, &s) != sessions.end())
      throw Error(Errc::range, "a session appears twice in a run");
    s.refuse_reentry();
    s.sequence.check(feed.tokens);
    sessions.push_back(&s);
  }
  translate_memory_errors([&] {
    impl_->runner->fit({.rows = 1, .workers = 1, .slices = int(std::max<std::size_t>(1, feeds.size()))});
    Appended appended(feeds, sessions);
    Passes(*impl_->runner, sessions).run();
    appended.keep();
  });
}

const Model& Runner::model() const noexcept { return impl_->model; }

}  // namespace longhand
