#include "faulty_vfs.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace saldo_test {
namespace {

using Operation = FaultyVfs::Operation;

constexpr const char* kNames[] = {"open", "read", "write",  "truncate",
                                  "sync", "lock", "delete", "shared memory"};
constexpr int kErrors[] = {SQLITE_CANTOPEN,       SQLITE_IOERR_READ,  SQLITE_IOERR_WRITE,
                           SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_LOCK,
                           SQLITE_IOERR_DELETE,   SQLITE_IOERR_SHMMAP};

sqlite3_vfs* system_vfs = nullptr;
FaultyVfs* faulty = nullptr;
bool disk_is_full = false;

struct File {
  sqlite3_file base;
  std::string* path;  // null: a temporary file
  sqlite3_file* real;
};

File* self(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) { return self(file)->real; }

int error_of(Operation operation) {
  if (disk_is_full) return SQLITE_FULL;
  return kErrors[static_cast<int>(operation)];
}

bool fails(sqlite3_file* file, Operation operation) {
  return faulty->fails(operation, self(file)->path == nullptr ? "" : *self(file)->path);
}

int close_file(sqlite3_file* file) {
  const int code = real(file)->pMethods->xClose(real(file));
  sqlite3_free(self(file)->real);
  delete self(file)->path;
  return code;
}

int read_file(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
  if (fails(file, Operation::kRead)) return error_of(Operation::kRead);
  return real(file)->pMethods->xRead(real(file), bytes, count, offset);
}

int write_file(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  if (fails(file, Operation::kWrite)) return error_of(Operation::kWrite);
  const int code = real(file)->pMethods->xWrite(real(file), bytes, count, offset);
  if (code == SQLITE_OK && self(file)->path != nullptr)
    faulty->wrote(*self(file)->path, bytes, count, offset);
  return code;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (fails(file, Operation::kTruncate)) return error_of(Operation::kTruncate);
  const int code = real(file)->pMethods->xTruncate(real(file), size);
  if (code == SQLITE_OK && self(file)->path != nullptr) faulty->truncated(*self(file)->path, size);
  return code;
}

int sync_file(sqlite3_file* file, int /*flags*/) {
  if (fails(file, Operation::kSync)) return error_of(Operation::kSync);
  // The disk is ours: the real one need not be waited for.
  if (self(file)->path != nullptr) faulty->synced(*self(file)->path);
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}

int lock_file(sqlite3_file* file, int level) {
  if (fails(file, Operation::kLock)) return error_of(Operation::kLock);
  return real(file)->pMethods->xLock(real(file), level);
}

int unlock_file(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}

int check_lock(sqlite3_file* file, int* locked) {
  return real(file)->pMethods->xCheckReservedLock(real(file), locked);
}

int control_file(sqlite3_file* file, int what, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), what, argument);
}

int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }

int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

int map_shared(sqlite3_file* file, int region, int size, int extend, void volatile** at) {
  if (fails(file, Operation::kShared)) return error_of(Operation::kShared);
  return real(file)->pMethods->xShmMap(real(file), region, size, extend, at);
}

int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  // A lock can be refused, but always be given back.
  if ((flags & SQLITE_SHM_LOCK) != 0 && fails(file, Operation::kShared))
    return SQLITE_IOERR_SHMLOCK;
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

void shared_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }

int unmap_shared(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

const sqlite3_io_methods kMethods = {2,
                                     close_file,
                                     read_file,
                                     write_file,
                                     truncate_file,
                                     sync_file,
                                     file_size,
                                     lock_file,
                                     unlock_file,
                                     check_lock,
                                     control_file,
                                     sector_size,
                                     characteristics,
                                     map_shared,
                                     lock_shared,
                                     shared_barrier,
                                     unmap_shared,
                                     nullptr,
                                     nullptr};

int open_file(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* out) {
  file->pMethods = nullptr;
  const std::string path = name == nullptr ? "" : name;
  if (faulty->fails(Operation::kOpen, path)) return error_of(Operation::kOpen);
  auto* const under = static_cast<sqlite3_file*>(sqlite3_malloc(system_vfs->szOsFile));
  if (under == nullptr) return SQLITE_NOMEM;
  if (name != nullptr) faulty->opened(path);
  const int code = system_vfs->xOpen(system_vfs, name, under, flags, out);
  if (code != SQLITE_OK) {
    sqlite3_free(under);
    return code;
  }
  self(file)->real = under;
  self(file)->path = name == nullptr ? nullptr : new std::string(path);
  file->pMethods = &kMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* /*vfs*/, const char* name, int sync_folder) {
  if (faulty->fails(Operation::kDelete, name)) return error_of(Operation::kDelete);
  const int code = system_vfs->xDelete(system_vfs, name, 0);
  if (code == SQLITE_OK) faulty->deleted(name, sync_folder != 0);
  return code;
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  std::string bytes(none ? 0 : size, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace

FaultyVfs& FaultyVfs::instance() {
  static FaultyVfs vfs;
  if (faulty != nullptr) return vfs;
  faulty = &vfs;
  system_vfs = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs registered = *system_vfs;
  registered.pNext = nullptr;
  registered.zName = kName;
  registered.szOsFile = sizeof(File);
  registered.xOpen = open_file;
  registered.xDelete = delete_file;
  if (sqlite3_vfs_register(&registered, 1) != SQLITE_OK)
    throw std::runtime_error("sqlite3_vfs_register");
  return vfs;
}

void FaultyVfs::arm(long at, Fault fault) {
  operations_ = 0;
  at_ = at;
  fault_ = fault;
  what_.clear();
  disk_is_full = fault == Fault::kFull;
}

bool FaultyVfs::fails(Operation operation, const std::string& path) {
  ++operations_;
  if (at_ == 0 || operations_ < at_ || (fault_ == Fault::kOnce && operations_ > at_)) return false;
  if (fault_ == Fault::kFull && operation != Operation::kWrite && operation != Operation::kOpen)
    return false;
  if (what_.empty())
    what_ = std::string(kNames[static_cast<int>(operation)]) + " of " +
            path.substr(path.rfind('/') + 1);
  return true;
}

void FaultyVfs::settle() { disks_.clear(); }

void FaultyVfs::opened(const std::string& path) {
  if (disks_.count(path) != 0) return;
  Disk disk;
  disk.present = access(path.c_str(), F_OK) == 0;
  if (disk.present) disk.synced = read_all(path);
  disks_.emplace(path, std::move(disk));
}

void FaultyVfs::wrote(const std::string& path, const void* bytes, int count, sqlite3_int64 offset) {
  auto& disk = disks_[path];
  if (disk.deleted) disk = Disk();
  disk.since.push_back(
      {offset, std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(count)),
       false});
}

void FaultyVfs::truncated(const std::string& path, sqlite3_int64 size) {
  disks_[path].since.push_back({size, "", true});
}

// The folder is synced with a file that is new in it, as SQLite does for its journals.
void FaultyVfs::synced(const std::string& path) {
  disks_[path] = Disk{true, read_all(path), {}, false};
}

void FaultyVfs::deleted(const std::string& path, bool durably) {
  if (durably) {
    disks_[path] = Disk();
  } else {
    disks_[path].deleted = true;
  }
}

void FaultyVfs::cut(std::mt19937& random) {
  constexpr std::size_t kSectorBytes = 512;
  const auto chance = [&] { return (random() & 1U) != 0; };
  for (auto& [path, disk] : disks_) {
    std::string bytes = disk.synced;
    // A write may be lost with all that came after it, or each of its sectors by itself.
    const bool in_order = chance();
    const auto surviving = in_order ? random() % (disk.since.size() + 1) : disk.since.size();
    for (std::size_t i = 0; i < surviving; ++i) {
      const Change& change = disk.since[i];
      const auto at = static_cast<std::size_t>(change.offset);
      if (change.truncation) {
        if (in_order || chance()) bytes.resize(std::min(bytes.size(), at));
        continue;
      }
      for (std::size_t done = 0; done < change.bytes.size();) {
        const std::size_t size =
            std::min(kSectorBytes - (at + done) % kSectorBytes, change.bytes.size() - done);
        if (in_order || chance()) {
          if (bytes.size() < at + done + size) bytes.resize(at + done + size);
          bytes.replace(at + done, size, change.bytes, done, size);
        }
        done += size;
      }
    }
    std::remove(path.c_str());
    const bool there =
        disk.present ? !disk.deleted || chance() : !disk.deleted && !disk.since.empty() && chance();
    if (there) std::ofstream(path, std::ios::binary) << bytes;
  }
  disks_.clear();
}

}  // namespace saldo_test
