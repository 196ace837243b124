#include "services/node/passage.h"

#include <utility>

namespace attune::node {

Passage::Passage(std::shared_ptr<grpc::Channel> channel,
                 std::unique_ptr<grpc::ClientContext> context, std::shared_ptr<PassageBack> back,
                 std::function<void(const grpc::Status&)> over)
    : context_(std::move(context)),
      stub_(std::move(channel)),
      back_(std::move(back)),
      over_(std::move(over)) {}

std::shared_ptr<Passage> Passage::Open(std::shared_ptr<grpc::Channel> channel,
                                       const std::string& method,
                                       std::unique_ptr<grpc::ClientContext> context,
                                       std::shared_ptr<PassageBack> back,
                                       std::function<void(const grpc::Status&)> over) {
  const std::shared_ptr<Passage> passage(
      new Passage(std::move(channel), std::move(context), std::move(back), std::move(over)));
  passage->self_ = passage;
  passage->stub_.PrepareBidiStreamingCall(passage->context_.get(), method, {}, passage.get());
  passage->AddHold();
  passage->StartRead(&passage->in_);
  passage->StartCall();
  return passage;
}

bool Passage::Write(grpc::ByteBuffer message, bool last) {
  MutexLock lock(mu_);
  if (!held_ || writing_ || half_closing_) return false;
  writing_ = true;
  out_.Swap(&message);
  if (last) {
    half_closing_ = half_closed_ = true;
    StartWriteLast(&out_, grpc::WriteOptions());
  } else {
    StartWrite(&out_);
  }
  return true;
}

void Passage::HalfClose() {
  MutexLock lock(mu_);
  half_closing_ = true;
  if (!held_ || writing_ || half_closed_) return;
  half_closed_ = true;
  StartWritesDone();
}

void Passage::More() {
  MutexLock lock(mu_);
  if (!held_ || reading_) return;
  reading_ = true;
  StartRead(&in_);
}

void Passage::Cancel() {
  context_->TryCancel();
  LetGo();
}

void Passage::LetGo() {
  {
    MutexLock lock(mu_);
    if (!held_) return;
    held_ = false;
  }
  RemoveHold();  // not under the mutex: OnDone may follow
}

bool Passage::TakeInitial() {
  MutexLock lock(mu_);
  return std::exchange(initial_, false);
}

void Passage::OnReadInitialMetadataDone(bool ok) {
  MutexLock lock(mu_);
  initial_ = ok;
}

void Passage::OnReadDone(bool ok) {
  if (!ok) {
    LetGo();
    return;
  }
  grpc::ByteBuffer message;
  message.Swap(&in_);
  {
    MutexLock lock(mu_);
    reading_ = false;
  }
  back_->OnPassedBack(*this, std::move(message));
}

void Passage::OnWriteDone(bool) {
  {
    MutexLock lock(mu_);
    writing_ = false;
    out_.Clear();
    if (half_closing_ && !half_closed_ && held_) {
      half_closed_ = true;
      StartWritesDone();
    }
  }
  // Also of a write that failed: the end of the call follows.
  back_->OnPassedOn(*this);
}

void Passage::OnDone(const grpc::Status& status) {
  const std::shared_ptr<Passage> last = std::move(self_);
  back_->OnPassageOver(*this, status);
  back_.reset();
  over_(status);
}

}  // namespace attune::node
