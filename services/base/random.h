// Randomness, injected: the operating system's for secrets and ids, a seeded one for tests.
#ifndef ATTUNE_SERVICES_BASE_RANDOM_H_
#define ATTUNE_SERVICES_BASE_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace attune {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  // `count` random bytes.
  virtual std::string Bytes(size_t count) = 0;

  uint64_t Uint64();
  // Uniform in [0, bound); bound > 0. No modulo bias.
  uint64_t Below(uint64_t bound);
  // Uniform in [0, 1).
  double Unit();
};

// getrandom(2); thread-safe; fit for keys.
class SystemRandom final : public RandomSource {
 public:
  std::string Bytes(size_t count) override;
};

// SplitMix64 (Steele, Lea & Flood 2014). Same seed, same bytes. Not thread-safe, not for keys.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  std::string Bytes(size_t count) override;

 private:
  uint64_t state_;
};

}  // namespace attune

#endif  // ATTUNE_SERVICES_BASE_RANDOM_H_
