// Lab Streaming Layer, if this machine has it: liblsl is loaded when the program runs, through its
// C interface, so that nothing here depends on it (Kothe et al., "The lab streaming layer for
// synchronized multimodal recording", Imaging Neuroscience 2025).
//
// liblsl has threads of its own; every class here belongs to one thread at a time. Times are
// seconds on liblsl's own clock (lsl_local_clock).
#ifndef ATTUNE_EDGE_LSL_LIBRARY_H_
#define ATTUNE_EDGE_LSL_LIBRARY_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "edge/lsl/abi.h"

namespace attune::edge {

class LslLibrary {
 public:
  // `path`: empty looks where the system looks (liblsl.so). NOT_FOUND: it is not installed, with
  // what to do; FAILED_PRECONDITION: something is there that is no liblsl.
  static absl::StatusOr<std::shared_ptr<const LslLibrary>> Load(const std::string& path);
  // Stays loaded: threads of its own may still run.
  LslLibrary(const LslLibrary&) = delete;
  LslLibrary& operator=(const LslLibrary&) = delete;

  const LslFunctions& call() const { return functions_; }
  double Now() const { return functions_.lsl_local_clock(); }

 private:
  LslLibrary() = default;
  LslFunctions functions_{};
};

// One stream that others can record: of numbers or of words, one channel, no fixed rate.
class LslOutlet {
 public:
  struct Options {
    std::string name{};       // as recorders show it
    std::string type{};       // "RR", "Markers"
    bool words = false;       // else numbers
    std::string unit{};       // of the numbers; may be empty
    std::string source_id{};  // the same after a restart: recorders go on by themselves
  };
  static absl::StatusOr<LslOutlet> Make(std::shared_ptr<const LslLibrary> library,
                                        const Options& options);
  LslOutlet(LslOutlet&& other) noexcept;
  ~LslOutlet();

  // With its time; never waits for a reader (liblsl drops the oldest when one does not keep up).
  void Push(double value, double at_s);
  void Push(const std::string& words, double at_s);

 private:
  LslOutlet(std::shared_ptr<const LslLibrary> library, void* outlet)
      : library_(std::move(library)), outlet_(outlet) {}
  std::shared_ptr<const LslLibrary> library_;
  void* outlet_;
};

// One stream of numbers that somebody else offers.
class LslInlet {
 public:
  // Looks for a stream whose `property` ("name", "type" ...) is `value`, for at most `wait_s`. The
  // oldest of several. NOT_FOUND: none; INVALID_ARGUMENT: it holds no numbers.
  static absl::StatusOr<LslInlet> Find(std::shared_ptr<const LslLibrary> library,
                                       const std::string& property, const std::string& value,
                                       double wait_s);
  LslInlet(LslInlet&& other) noexcept;
  ~LslInlet();

  const std::string& name() const { return name_; }
  struct Sample {
    double value = 0;  // of the first channel
    double at_s = 0;   // on this machine's LSL clock
  };
  // The next sample, waiting at most `wait_s`; nullopt: none came. UNAVAILABLE: the stream is gone.
  absl::StatusOr<std::optional<Sample>> Pull(double wait_s);

 private:
  LslInlet(std::shared_ptr<const LslLibrary> library, void* inlet, std::string name, int channels)
      : library_(std::move(library)), inlet_(inlet), name_(std::move(name)), channels_(channels) {}
  std::shared_ptr<const LslLibrary> library_;
  void* inlet_;
  std::string name_;
  int channels_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_LSL_LIBRARY_H_
