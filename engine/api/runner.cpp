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

using SessionImpl = Access::SessionImpl;

// The sessions of one run(). Tokens appended to one are taken back if it leaves the run early or the run
// fails.
class Members {
 public:
  struct Member {
    SessionImpl& session;
    Runner::Feed& feed;
    std::size_t before;  // tokens
    bool there = true;   // has not left the run
    int left() const noexcept { return int(session.sequence.tokens.size()) - session.sequence.remembered; }
    bool cancelled() const noexcept { return session.cancel.load(std::memory_order_relaxed); }
  };

  explicit Members(std::vector<Member> members) noexcept : all_(std::move(members)) {
    for (Member& m : all_) m.session.feeding = true;
  }
  ~Members() {
    for (Member& m : all_) {
      if (!kept_) leave(m);
      m.session.feeding = false;
    }
  }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

  std::span<Member> all() noexcept { return all_; }
  void append() {
    for (Member& m : all_) {
      const std::vector<Token> added(m.feed.tokens.begin(), m.feed.tokens.end());  // may be the session's own
      m.session.sequence.append(added);
    }
  }
  static void leave(Member& m) noexcept {
    if (!m.there) return;
    m.there = false;
    m.session.take_back(m.before);
    if (m.session.logits_position >= int(m.before)) m.session.logits_position = -1;
  }
  /// The tokens of those who are still there stay.
  void keep() noexcept {
    kept_ = true;
    for (Member& m : all_) m.feed.cancelled = !m.there;
  }

 private:
  std::vector<Member> all_;
  bool kept_ = false;
};

// All passes of one run().
class Passes {
 public:
  Passes(PassRunner& runner, std::span<Members::Member> members) : runner_(runner), members_(members) {}

  void run() {
    while (next_pass()) {
      Stop stop{std::span<const Stop::Wish>(wishes_)};
      const bool done =
          runner_.run({slices_, tokens_, wanted_}, stop, [&](int i, std::span<const float> row) {
            SessionImpl& s = finishing_[std::size_t(i)]->session;
            std::ranges::copy(row, s.logits.begin());
            s.logits_position = int(s.sequence.tokens.size()) - 1;
          });
      for (std::size_t i = 0; i < slices_.size(); ++i) {
        Members::Member& m = *in_pass_[i];
        if (done) m.session.sequence.remembered += slices_[i].rows;
        if (!done || m.cancelled()) Members::leave(m);
      }
    }
  }

 private:
  // Each session gets an even share of the rows that those before it leave.
  bool next_pass() {
    slices_.clear(), tokens_.clear(), wanted_.clear(), in_pass_.clear(), finishing_.clear(), wishes_.clear();
    for (Members::Member& m : members_)
      if (m.there && m.left() > 0 && m.cancelled()) Members::leave(m);
    const auto waits = [](const Members::Member& m) { return m.there && m.left() > 0; };
    auto waiting = std::ranges::count_if(members_, waits);
    int room = runner_.rows();
    for (Members::Member& m : members_) {
      if (!waits(m)) continue;
      const int share = std::max(1, room / int(waiting--));
      const int n = std::min({m.left(), share, m.session.batch(), room});
      if (n == 0) continue;
      add(m, n);
      room -= n;
    }
    return !slices_.empty();
  }

  void add(Members::Member& m, int n) {
    SessionImpl& s = m.session;
    s.logits_position = -1;
    const bool last = n == m.left();
    const bool ends = last && !m.feed.goes_on;
    s.sequence.states.keep(s.sequence.remembered, ends && n > kDecodeTokens);
    slices_.push_back(s.sequence.next_slice(n, int(tokens_.size())));
    const auto next = s.sequence.next_tokens(n);
    tokens_.insert(tokens_.end(), next.begin(), next.end());
    in_pass_.push_back(&m);
    wishes_.push_back(&s.cancel);
    if (!ends) return;
    wanted_.push_back(int(tokens_.size()) - 1);
    finishing_.push_back(&m);
  }

  PassRunner& runner_;
  std::span<Members::Member> members_;
  std::vector<Slice> slices_;
  std::vector<Token> tokens_;
  std::vector<int> wanted_;
  std::vector<Members::Member*> in_pass_, finishing_;  // of each slice, of each wanted row
  std::vector<Stop::Wish> wishes_;                     // of each slice
};

}  // namespace

Runner::Runner(const Model& model, const RunnerOptions& options)
    : impl_(translate_memory_errors([&] {
        check_options(kRunnerOptions, options);
        const ThreadPlan threads = choose_threads(model_data(model), options);
        const WorkspaceSizes sizes{.rows = options.batch, .workers = threads.most()};
        return std::make_unique<Impl>(
            Impl{model, std::make_shared<PassRunner>(model_data(model), threads, sizes)});
      })) {}
Runner::~Runner() = default;
Runner::Runner(Runner&&) noexcept = default;
Runner& Runner::operator=(Runner&&) noexcept = default;

void Runner::run(std::span<Feed> feeds) {
  translate_memory_errors([&] {
    std::vector<Members::Member> members;
    for (Feed& feed : feeds) {
      SessionImpl* session = Access::impl(feed.session);
      if (session == nullptr) throw Error(Errc::missing, "a session of a run was moved from: it has no text");
      SessionImpl& s = *session;
      if (s.runner != impl_->runner) throw Error(Errc::range, "a session of a run belongs to another runner");
      const auto same = [&](const Members::Member& m) { return &m.session == &s; };
      if (std::ranges::any_of(members, same)) throw Error(Errc::range, "a session appears twice in a run");
      s.refuse_reentry();
      s.sequence.check(feed.tokens);
      s.refuse_embeddings_to_compute();
      members.push_back({s, feed, s.sequence.tokens.size()});
    }
    impl_->runner->fit({.rows = 1, .workers = 1, .slices = int(std::max<std::size_t>(1, feeds.size()))});
    Members run(std::move(members));
    run.append();
    Passes(*impl_->runner, run.all()).run();
    run.keep();
  });
}

const Model& Runner::model() const noexcept { return impl_->model; }

}  // namespace longhand
