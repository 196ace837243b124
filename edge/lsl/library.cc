#include "edge/lsl/library.h"

#include <dlfcn.h>

#include <array>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attune::edge {
namespace {

// For a reader that does not keep up; in hundreds of samples, liblsl's unit for irregular streams.
constexpr int32_t kMostBufferedHundreds = 6;
constexpr double kCorrectionWaitS = 2;
constexpr int32_t kMostChannels = 64;

}  // namespace

absl::StatusOr<std::shared_ptr<const LslLibrary>> LslLibrary::Load(const std::string& path) {
  void* handle = nullptr;
  if (!path.empty()) {
    handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  } else {
    for (const char* name : {"liblsl.so", "liblsl.so.1", "liblsl.so.2"}) {
      if ((handle = dlopen(name, RTLD_NOW | RTLD_LOCAL)) != nullptr) break;
    }
  }
  if (handle == nullptr) {
    const char* why = dlerror();
    return absl::NotFoundError(
        absl::StrCat("Lab Streaming Layer cannot be loaded (", why == nullptr ? "" : why,
                     "): install liblsl from github.com/sccn/liblsl, or name its file with "
                     "--lsl-library"));
  }
  std::shared_ptr<LslLibrary> library(new LslLibrary());
  const char* missing = nullptr;
  const auto find = [&](auto* function, const char* name) {
    void* symbol = dlsym(handle, name);
    if (symbol == nullptr) missing = name;
    *function = reinterpret_cast<std::remove_pointer_t<decltype(function)>>(symbol);
  };
#define ATTUNE_LSL_FIND(result, name, arguments) find(&library->functions_.name, #name);
  ATTUNE_LSL_FUNCTIONS(ATTUNE_LSL_FIND)
#undef ATTUNE_LSL_FIND
  if (missing != nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("the library that was loaded has no ", missing, ": it is no usable liblsl"));
  }
  return library;
}

absl::StatusOr<LslOutlet> LslOutlet::Make(std::shared_ptr<const LslLibrary> library,
                                          const Options& options) {
  const LslFunctions& lsl = library->call();
  void* info = lsl.lsl_create_streaminfo(
      options.name.c_str(), options.type.c_str(), 1, kLslIrregularRate,
      options.words ? kLslString : kLslDouble64, options.source_id.c_str());
  if (info == nullptr) return absl::InternalError("liblsl refuses to describe a stream");
  if (!options.unit.empty()) {
    // As the XDF specification wants it: desc/channels/channel/{label,unit,type}.
    void* channels = lsl.lsl_append_child(lsl.lsl_get_desc(info), "channels");
    void* channel = lsl.lsl_append_child(channels, "channel");
    lsl.lsl_append_child_value(channel, "label", options.type.c_str());
    lsl.lsl_append_child_value(channel, "unit", options.unit.c_str());
    lsl.lsl_append_child_value(channel, "type", options.type.c_str());
  }
  void* outlet = lsl.lsl_create_outlet(info, 0, kMostBufferedHundreds);
  lsl.lsl_destroy_streaminfo(info);
  if (outlet == nullptr) return absl::InternalError("liblsl cannot offer a stream");
  return LslOutlet(std::move(library), outlet);
}

LslOutlet::LslOutlet(LslOutlet&& other) noexcept
    : library_(std::move(other.library_)), outlet_(std::exchange(other.outlet_, nullptr)) {}

LslOutlet::~LslOutlet() {
  if (outlet_ != nullptr) library_->call().lsl_destroy_outlet(outlet_);
}

void LslOutlet::Push(double value, double at_s) {
  library_->call().lsl_push_sample_dt(outlet_, &value, at_s);
}

void LslOutlet::Push(const std::string& words, double at_s) {
  const char* data = words.c_str();
  library_->call().lsl_push_sample_strt(outlet_, &data, at_s);
}

absl::StatusOr<LslInlet> LslInlet::Find(std::shared_ptr<const LslLibrary> library,
                                        const std::string& property, const std::string& value,
                                        double wait_s) {
  const LslFunctions& lsl = library->call();
  std::array<void*, 8> found{};
  const int32_t count = lsl.lsl_resolve_byprop(found.data(), found.size(), property.c_str(),
                                               value.c_str(), 1, wait_s);
  if (count <= 0) {
    return absl::NotFoundError(absl::StrCat("no LSL stream with ", property, " '", value, "'"));
  }
  void* info = found[0];
  const char* name = lsl.lsl_get_name(info);
  const std::string shown = name == nullptr ? value : name;
  const int32_t channels = lsl.lsl_get_channel_count(info);
  const bool words = lsl.lsl_get_channel_format(info) == kLslString;
  const bool usable = !words && channels >= 1 && channels <= kMostChannels;
  void* inlet = usable ? lsl.lsl_create_inlet(info, kMostBufferedHundreds, 0, 0) : nullptr;
  for (int32_t i = 0; i < count; ++i) lsl.lsl_destroy_streaminfo(found[static_cast<size_t>(i)]);
  if (!usable) {
    return absl::InvalidArgumentError(
        absl::StrCat("the LSL stream '", shown, "' holds no numbers that could be intervals"));
  }
  if (inlet == nullptr) return absl::UnavailableError("liblsl cannot open the stream");
  return LslInlet(std::move(library), inlet, shown, channels);
}

LslInlet::LslInlet(LslInlet&& other) noexcept
    : library_(std::move(other.library_)),
      inlet_(std::exchange(other.inlet_, nullptr)),
      name_(std::move(other.name_)),
      channels_(other.channels_) {}

LslInlet::~LslInlet() {
  if (inlet_ != nullptr) library_->call().lsl_destroy_inlet(inlet_);
}

absl::StatusOr<std::optional<LslInlet::Sample>> LslInlet::Pull(double wait_s) {
  const LslFunctions& lsl = library_->call();
  std::array<double, kMostChannels> values{};
  int32_t error = 0;
  const double remote_s = lsl.lsl_pull_sample_d(inlet_, values.data(), channels_, wait_s, &error);
  if (error == kLslLost) {
    return absl::UnavailableError(absl::StrCat("the LSL stream '", name_, "' is gone"));
  }
  if (remote_s == 0) return std::nullopt;
  error = 0;
  double correction_s = lsl.lsl_time_correction(inlet_, kCorrectionWaitS, &error);
  // Without a correction the sender's clock means nothing here: the receipt stands for it.
  if (error != 0) return Sample{values[0], library_->Now()};
  return Sample{values[0], remote_s + correction_s};
}

}  // namespace attune::edge
