#include "edge/source/spec.h"

#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "edge/source/bluez/bluez_source.h"
#include "edge/source/line_source.h"
#include "edge/source/lsl_source.h"
#include "edge/source/replay.h"
#include "edge/source/simulate.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

// key=value and bare words, separated by commas.
struct Option {
  std::string key;
  std::optional<std::string> value;
};

std::vector<Option> SplitOptions(std::string_view text) {
  std::vector<Option> options;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    const size_t equals = one.find('=');
    Option option{std::string(one.substr(0, equals)), std::nullopt};
    if (equals != std::string_view::npos) option.value = std::string(one.substr(equals + 1));
    options.push_back(std::move(option));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return options;
}

// Assigns numbers by their names.
class Numbers {
 public:
  explicit Numbers(std::string source) : source_(std::move(source)) {}
  template <typename T>
  Numbers& Add(const char* key, T* target) {
    setters_[key] = [target](double value) { *target = static_cast<T>(value); };
    return *this;
  }
  template <typename T>
  Numbers& Add(const char* key, std::optional<T>* target) {
    setters_[key] = [target](double value) { *target = static_cast<T>(value); };
    return *this;
  }
  Numbers& AddSeed(const char* key, std::function<void(uint64_t)> set) {
    seeds_[key] = std::move(set);
    return *this;
  }

  absl::Status Set(const Option& option) const {
    const auto number = setters_.find(option.key);
    const auto seed = seeds_.find(option.key);
    if (number == setters_.end() && seed == seeds_.end()) {
      std::string known;
      for (const auto& [key, set] : setters_) absl::StrAppend(&known, " ", key);
      for (const auto& [key, set] : seeds_) absl::StrAppend(&known, " ", key);
      return absl::InvalidArgumentError(
          absl::StrCat(source_, ": no option '", option.key, "'; there are:", known));
    }
    const std::string text = option.value.value_or("");
    const char* end = text.data() + text.size();
    if (seed != seeds_.end()) {
      uint64_t value = 0;
      const auto result = std::from_chars(text.data(), end, value);
      if (result.ec != std::errc() || result.ptr != end || text.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat(source_, ": ", option.key, " wants a whole number, not '", text, "'"));
      }
      seed->second(value);
      return absl::OkStatus();
    }
    double value = 0;
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end || !std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat(source_, ": ", option.key, " wants a number, not '", text, "'"));
    }
    number->second(value);
    return absl::OkStatus();
  }

 private:
  std::string source_;
  std::map<std::string, std::function<void(double)>> setters_;
  std::map<std::string, std::function<void(uint64_t)>> seeds_;
};

absl::StatusOr<std::unique_ptr<Source>> MakeReplayFrom(std::string_view rest) {
  std::vector<Option> parts = SplitOptions(rest);
  if (parts.empty() || parts[0].key.empty()) {
    return absl::InvalidArgumentError("replay needs a file: replay:FILE");
  }
  ReplayOptions options;
  options.name = parts[0].key;
  if (parts[0].value) absl::StrAppend(&options.name, "=", *parts[0].value);
  Numbers numbers("replay");
  numbers.Add("at", &options.at_s).Add("from", &options.from_s).Add("seconds", &options.seconds);
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].key == "loop" && !parts[i].value) {
      options.loop = true;
      continue;
    }
    ATTUNE_RETURN_IF_ERROR(numbers.Set(parts[i]));
  }
  for (const double value :
       {options.at_s.value_or(0), options.from_s, options.seconds.value_or(0)}) {
    if (value < 0 || value > 1e6) {
      return absl::InvalidArgumentError("replay: at, from and seconds are in 0..1000000");
    }
  }
  ATTUNE_ASSIGN_OR_RETURN(Recording recording, ReadRecording(options.name));
  return MakeReplay(std::move(recording), options);
}

absl::StatusOr<std::unique_ptr<Source>> MakeSimulateFrom(std::string_view rest) {
  SimulateOptions options;
  Numbers numbers("simulate");
  numbers.Add("hr", &options.hr_bpm)
      .Add("resp", &options.resp_hz)
      .Add("resp_depth", &options.resp_depth)
      .Add("lf_depth", &options.lf_depth)
      .Add("vlf_depth", &options.vlf_depth)
      .Add("couple_resp", &options.couple_resp_hz)
      .Add("strength", &options.strength)
      .Add("lag_ms", &options.lag_ms)
      .Add("missed", &options.missed)
      .Add("extra", &options.extra)
      .Add("ectopic", &options.ectopic)
      .Add("dropout_every_s", &options.dropout_every_s)
      .Add("dropout_s", &options.dropout_s)
      .Add("at", &options.at_s)
      .Add("seconds", &options.seconds)
      .AddSeed("seed", [&](uint64_t seed) { options.seed = seed; })
      .AddSeed("couple_seed", [&](uint64_t seed) { options.couple_seed = seed; });
  for (const Option& option : SplitOptions(rest)) ATTUNE_RETURN_IF_ERROR(numbers.Set(option));
  return MakeSimulate(options);
}

absl::StatusOr<std::unique_ptr<Source>> MakeBluezFrom(std::string_view rest,
                                                      const SourceContext& context) {
  ATTUNE_ASSIGN_OR_RETURN(BluezOptions options, ParseBluezOptions(rest));
  std::shared_ptr<BluezHost> host = context.bluez != nullptr ? *context.bluez : nullptr;
  if (host == nullptr) host = MakeBluezHost(context.clock);
  if (context.bluez != nullptr) *context.bluez = host;
  return MakeBluezSource(std::move(host), std::move(options), std::make_unique<SystemRandom>());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Source>> MakeSource(std::string_view spec,
                                                   const SourceContext& context) {
  const size_t colon = spec.find(':');
  const std::string_view kind = spec.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? "" : spec.substr(colon + 1);
  if (kind == "replay") return MakeReplayFrom(rest);
  if (kind == "simulate") return MakeSimulateFrom(rest);
  if (kind == "stdin" && rest.empty()) return MakeLineSource(context.stdin_fd);
  if (kind == "lsl") {
    ATTUNE_ASSIGN_OR_RETURN(LslSourceOptions options, ParseLslOptions(rest));
    ATTUNE_ASSIGN_OR_RETURN(auto library, LslLibrary::Load(context.lsl_library));
    return MakeLslSource(std::move(library), std::move(options), context.clock);
  }
  // bluez,acquire: no strap is named.
  if (kind == "bluez" || kind.starts_with("bluez,")) {
    return MakeBluezFrom(kind == "bluez" ? rest : spec.substr(6), context);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "no source '", std::string(spec.substr(0, 60)),
      "'; there are bluez[:STRAP], replay:FILE, simulate[:OPTIONS], lsl[:NAME] and stdin"));
}

}  // namespace attune::edge
