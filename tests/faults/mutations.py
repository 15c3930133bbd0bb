#!/usr/bin/python3
"""Takes the library's handling of each fault out, one after the other, and says
whether the fault's test fails.

    mutations.py WORK [NAME...]

The sources of the checkout are copied to the folder WORK and built there, where
only the files that change are compiled again: 10 to 30 s each on two cores. Exit
code 1 when a test passes although the handling is gone, or fails with it.
"""
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GL = "src/backends/gl/"
PENDING = "  if (answer == GL_TIMEOUT_EXPIRED) {\n"
SATISFIED = "answer == GL_ALREADY_SIGNALED || answer == GL_CONDITION_SATISFIED;\n  // After"
MAPPED = "  return out->map != nullptr && gl.GetError() == GL_NO_ERROR &&\n"

# Name, file, what is replaced, by what, the test: group and name.
MUTATIONS = [
    ("hang until flushed", GL + "batch_list.cpp", "never end.\n  gl.Flush();\n", "never end.\n",
     "sync unflushed_sync"),
    ("hang for ever: the limit on work", GL + "batch_list.cpp",
     "  return expected ? BatchAnswer::pending : BatchAnswer::hung;",
     "  return expected ? BatchAnswer::pending : BatchAnswer::pending;",
     "hang hung_device_is_lost_and_comes_back"),
    ("hang for ever: memory in quarantine", GL + "recovery.cpp",
     "--it->buffers != 0 || it->hung) continue;", "--it->buffers != 0) continue;",
     "hang hung_device_is_lost_and_comes_back"),
    ("hang for ever: new memory for slots", "src/core/executor.cpp",
     "  if (!slot->on_host) make_memory(slot, context().device(cpu));\n", "  (void)cpu;\n",
     "hang executor_goes_on_on_the_cpu"),
    ("stall: the thread is given up", GL + "submission_thread.cpp",
     "      give_up(passes);", "      since = now_ns();", "sync silent_driver"),
    ("late by N: pending taken as ended", GL + "batch_list.cpp", PENDING,
     PENDING + "    if (batch.serial != 0) return BatchAnswer::ended;\n", "sync late_sync"),
    ("spurious timeout taken as a loss", GL + "batch_list.cpp", PENDING,
     PENDING + "    if (batch.serial != 0) return BatchAnswer::lost;\n", "sync spurious_timeout"),
    ("WAIT_FAILED taken as ended", GL + "batch_list.cpp", SATISFIED,
     "answer == GL_WAIT_FAILED || " + SATISFIED, "sync failed_wait"),
    ("0 taken as ended", GL + "batch_list.cpp", SATISFIED, "answer == 0 || " + SATISFIED,
     "sync wait_that_answers_zero"),
    ("signalled with the context lost", GL + "batch_list.cpp",
     "!satisfied || context_->was_reset();", "!satisfied;", "reset lost_in_flight"),
    ("null sync taken as nothing to wait for", GL + "batch_list.cpp",
     "  if (batch.sync == nullptr) return false;", "  if (batch.sync == nullptr) return true;",
     "sync missing_sync"),
    ("out of memory: a buffer that is not one", GL + "buffer_object.cpp", "    if (made) {\n",
     "    if (made || !coherent) {\n", "memory no_memory_for_a_buffer"),
    ("out of memory: nothing is left", GL + "buffer_object.cpp",
     "    if (!made) gl.DeleteBuffers(1, &object.name);\n", "", "memory no_memory_for_a_buffer"),
    ("out of memory: the way of weights", GL + "engine_services.cpp",
     "  context_->checkpoint();\n  if (error != GL_NO_ERROR) {",
     "  context_->checkpoint();\n  if (error == 1) {", "memory no_memory_for_weights"),
    ("out of memory: a dispatch", GL + "encoder.cpp",
     "  note_error();\n  const Status status = status_of_gl_error(error_);",
     "  const Status status = SPORKLE_OK;", "memory no_memory_for_a_dispatch"),
    ("null map", GL + "buffer_object.cpp", MAPPED, "  return gl.GetError() == GL_NO_ERROR &&\n",
     "memory null_map"),
    ("unaligned map", GL + "buffer_object.cpp",
     "reinterpret_cast<uintptr_t>(out->map) % map_alignment == 0", "true", "memory unaligned_map"),
    ("mapping that never works: tried at the start", GL + "engine.cpp",
     "facts().buffer_storage && mapping_works(*context_, rules_)", "facts().buffer_storage",
     "memory null_map"),
    ("missing EGL extension", GL + "gl_context.cpp", "if (!has_extension(extensions, needed)) {",
     "if (extensions == nullptr) {", "start missing_extensions"),
    ("missing function", GL + "gl_context.cpp",
     "if (const char* name = missing_function(gl_)) {",
     "if (const char* name = nullptr) {", "start missing_functions"),
    ("word never written: the proof without it", GL + "batch_list.cpp",
     "now - batch.proof_ns >= proof_interval_ns;", "false;", "word missing"),
    ("word stale: the proof without it", GL + "batch_list.cpp",
     "now - batch.proof_ns >= proof_interval_ns;", "false;", "word stale"),
    ("word unusable: its check at the start", GL + "completion_hint.cpp",
     "if (coherent && works(gl)) return true;", "if (coherent) return true;",
     "word unusable_from_the_start"),
    ("word early: taken as the end", GL + "batch_list.cpp",
     "  if (!word_answers(batch, now)) return still_pending(batch, now);\n",
     "  if (!word_answers(batch, now)) return still_pending(batch, now);\n"
     "  if (batch.word_ns != 0) return BatchAnswer::ended;\n", "word early"),
    ("signalled before the word", GL + "batch_list.cpp",
     "if (batch.hinted && hint_.enabled() && !hint_.reached(batch.serial)) {",
     "if (batch.hinted && batch.serial == 0) {", "word signalled_before_the_word"),
    ("reset: asked before success", GL + "gl_context.cpp",
     "  return status == GL_GUILTY_CONTEXT_RESET ||", "  return status == 1 ||",
     "reset every_pending_fence_fails"),
    ("reset: three values mean one", GL + "gl_context.cpp",
     "  return status == GL_GUILTY_CONTEXT_RESET ||", "  return status != GL_NO_ERROR ||",
     "reset nonsense_status"),
    ("reset: bounded tries", GL + "recovery.cpp", "resets_ < reset_limit && ", "",
     "reset resets_without_end"),
    ("copies of a window that fail", GL + "encoder.cpp",
     "    if (status < 0) downloads_[i].entry->status = status;\n", "",
     "memory copies_of_a_window"),
    ("uploads that fail are done again", GL + "encoder.cpp",
     "  memory->give_back_flushed(stretches, count);\n", "", "memory copies_of_a_window"),
    ("reading back without mapping that fails: a call", GL + "encoder.cpp",
     "    entry.status = status_of_gl_error(gl.GetError());\n", "", "memory copies_of_a_call"),
    ("reading back without mapping that fails: a buffer", GL + "engine_services.cpp",
     "  memory.download(context_->gl(), stretch);\n  check_copy(\"buffer\");\n",
     "  memory.download(context_->gl(), stretch);\n", "memory copies_without_mapping"),
    ("error storm: bounded loops", GL + "buffer_object.cpp",
     "for (int i = 0; i < 16 && gl", "for (int i = 0; gl", "start errors_without_end"),
    ("copies beside kernels that fail: outputs", GL + "encoder_beside.cpp",
     "  note_downloads(status_of_gl_error(context_->gl().GetError()));",
     "  context_->gl().GetError();\n  note_downloads(SPORKLE_OK);", "beside failures_in_the_middle"),
    ("copies beside kernels that fail: inputs", GL + "encoder_beside.cpp",
     "    if (context_->gl().GetError() == GL_NO_ERROR) {\n      note_copy",
     "    if (context_->gl().GetError() != 1) {\n      note_copy", "beside failures_in_the_middle"),
    ("deadlines: a wait for one ends in 10 ms", "src/core/fence_wait.cpp",
     "Protocol::sleep_for(*slot, generation, timelines, deadline);",
     "Protocol::sleep_for(*slot, generation, timelines, Deadline{deadline.at + 11000000});",
     "virtual deadlines_are_kept"),
    ("deadlines: a wait for several ends", "src/core/fence_wait.cpp",
     "Protocol::sleep_for_any(gathering, pending, deadline);",
     "Protocol::sleep_for_any(gathering, pending, Deadline{});", "virtual deadlines_are_kept"),
    ("an idle GPU: six touches at most", GL + "submission_rest.cpp",
     "constexpr uint32_t touch_limit = 6;", "constexpr uint32_t touch_limit = 60;",
     "virtual idle_gpu_is_left_alone"),
    ("an idle GPU: touches at all", GL + "submission_rest.cpp",
     "if (touches_ < touch_limit && now >= due()) {", "if (touches_ > touch_limit) {",
     "virtual idle_gpu_is_left_alone"),
]


def build(work):
    command = ["cmake", "--build", os.path.join(work, "build"), "--target", "faults",
               "virtual_egl"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"mutations.py: does not build:\n{result.stdout[-2000:]}")


def prepare(work):
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True,
                           check=True).stdout.split("\0")
    for name in filter(None, files):
        source, target = os.path.join(ROOT, name), os.path.join(work, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(source, "rb") as file:
            content = file.read()
        if os.path.exists(target):
            with open(target, "rb") as file:
                if file.read() == content:
                    continue
        with open(target, "wb") as file:
            file.write(content)
        shutil.copymode(source, target)
    subprocess.run(["cmake", "--preset", "default", "-DSPORKLE_BUILD_TESTS=ON",
                    "-DSPORKLE_BUILD_BENCH=OFF"], cwd=work, check=True, capture_output=True)
    build(work)


def outcome(work, test):
    """None: passed; else in what way it failed."""
    environment = dict(os.environ, TEST_GPU="scaled", SPORKLE_CACHE_DIR="off", SPORKLE_LOG="error",
                       LD_LIBRARY_PATH=os.path.join(work, "build", "tests", "faults", "gpu"))
    try:
        result = subprocess.run([os.path.join(work, "build", "bin", "faults"), *test.split()],
                                env=environment, capture_output=True, timeout=30)
    except subprocess.TimeoutExpired:
        return "does not end"
    if result.returncode == 0 and b"[       OK ]" in result.stdout:
        return None
    return "crashes" if result.returncode < 0 else "fails"


def try_one(work, mutation):
    name, path, old, new, test = mutation
    path = os.path.join(work, path)
    with open(path) as file:
        text = file.read()
    if text.count(old) != 1:
        return f"{text.count(old)} places in {path}", False
    try:
        with open(path, "w") as file:
            file.write(text.replace(old, new))
        build(work)
        how = outcome(work, test)
    finally:
        with open(path, "w") as file:
            file.write(text)
    return how or "PASSES", how is not None


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    work, wanted = sys.argv[1], sys.argv[2:]
    chosen = [m for m in MUTATIONS if not wanted or any(w in m[0] for w in wanted)]
    prepare(work)
    bad = 0
    for test in sorted({mutation[4] for mutation in chosen}):
        how = outcome(work, test)
        if how is not None:
            bad += 1
            print(f"as it is, {test} {how}", flush=True)
    for mutation in chosen:
        how, good = try_one(work, mutation)
        bad += not good
        print(f"{mutation[0]}: {mutation[4]} {how}", flush=True)
    print(f"{len(chosen)} handlings taken out, {bad} wrong")
    return 1 if bad else 0


sys.exit(main())
