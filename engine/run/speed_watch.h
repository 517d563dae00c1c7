// Whether writing has become slower than somebody wants.
#pragma once

#include <array>
#include <cstddef>
#include <numeric>

namespace longhand {

class SpeedWatch {
 public:
  /// `least`: tokens a second; 0: any will do.
  explicit SpeedWatch(double least) noexcept : least_(least) {}
  bool on() const noexcept { return least_ > 0; }

  /// A token took so long; true once, where the last ones together were too slow. One that other programs
  /// delayed does not count for much among so many.
  bool too_slow(double seconds) noexcept {
    last_[count_++ % last_.size()] = seconds;
    if (!on() || told_ || count_ < last_.size()) return false;
    const double sum = std::accumulate(last_.begin(), last_.end(), 0.0);
    told_ = sum * least_ > double(last_.size());
    return told_;
  }

 private:
  double least_;
  std::array<double, 16> last_{};
  std::size_t count_ = 0;
  bool told_ = false;
};

}  // namespace longhand
