# The project's build words: hotpair_library, hotpair_program, hotpair_test, hotpair_fuzzer, hotpair_bench.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(HOTPAIR_TESTS "build unit tests and the simulator" ON)
option(HOTPAIR_FUZZ "build fuzz targets, and libraries that tell them where they have been (clang only)" OFF)
option(HOTPAIR_BENCH "build benchmarks" OFF)
option(HOTPAIR_BATCHES "compile sources in batches where a folder says BATCH, and common headers once" ON)
set(HOTPAIR_SANITIZE "" CACHE STRING "value for -fsanitize=, empty for none")

find_program(HOTPAIR_CCACHE ccache)
if(HOTPAIR_CCACHE)
  # Without the two it keeps nothing that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${HOTPAIR_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${HOTPAIR_CCACHE})
endif()

find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
pkg_check_modules(LMDB REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(CAPNP REQUIRED IMPORTED_TARGET capnp)
pkg_check_modules(BPF REQUIRED IMPORTED_TARGET libbpf)
pkg_check_modules(MNL REQUIRED IMPORTED_TARGET libmnl)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(EDIT REQUIRED IMPORTED_TARGET libedit)
find_program(CAPNP_COMPILER capnp REQUIRED)
find_program(BPF_CLANG clang-19 REQUIRED)
find_program(BPFTOOL bpftool PATHS /usr/sbin REQUIRED)
if(HOTPAIR_TESTS)
  find_package(GTest REQUIRED)
endif()

add_library(hotpair_options INTERFACE)
target_include_directories(hotpair_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_link_libraries(hotpair_options INTERFACE fmt::fmt)
target_compile_options(hotpair_options INTERFACE
  -Wall -Wextra -Werror -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Wno-missing-field-initializers -fno-strict-aliasing
  -pthread  # everywhere, as libraries ask for it: a precompiled header fits only where it is the same
  $<$<CXX_COMPILER_ID:GNU>:-fmax-errors=20>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)  # g++ 12 warns of std::optional at -O2
target_compile_definitions(hotpair_options INTERFACE
  HOTPAIR_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
if(HOTPAIR_SANITIZE)
  add_compile_options(-fsanitize=${HOTPAIR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HOTPAIR_SANITIZE})
else()
  add_compile_options($<$<CONFIG:Release>:-fstack-protector-strong>)
  add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
endif()
find_program(HOTPAIR_MOLD mold)
if(HOTPAIR_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_link_options(-fuse-ld=mold)
endif()

# BATCH n: that many sources are compiled as one. For folders whose sources all include the same long headers, which are most
# of the time that they take; names of their unnamed namespaces are unique in the folder.
function(hotpair_batches target size)
  if(HOTPAIR_BATCHES AND size)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${size})
  endif()
endfunction()

# Fuzz targets and what they run: the fuzzer sees which of its code an input reaches.
function(hotpair_fuzzed target)
  if(HOTPAIR_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# The standard library's headers that most sources include take half a second of each: they are compiled once. Every source
# includes what it uses all the same.
function(hotpair_common_headers target)
  if(NOT HOTPAIR_BATCHES)
    return()
  endif()
  if(NOT TARGET hotpair_headers)
    set(source ${PROJECT_BINARY_DIR}/generated/headers.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "")
    add_library(hotpair_headers STATIC ${source})
    target_link_libraries(hotpair_headers PRIVATE hotpair_options)
    target_precompile_headers(hotpair_headers PRIVATE <algorithm> <array> <chrono> <cstdint> <expected> <functional> <map>
      <memory> <optional> <ranges> <set> <span> <string> <string_view> <tuple> <utility> <variant> <vector> <fmt/format.h>)
    target_compile_options(hotpair_headers PRIVATE $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
    hotpair_fuzzed(hotpair_headers)
  endif()
  target_precompile_headers(${target} REUSE_FROM hotpair_headers)
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)  # for ccache
endfunction()

# hotpair_library(mcast_gmp [BATCH 6 [ALONE c.cc]] SRCS a.cc b.cc DEPS platform_base ...): folder = namespace = target. ALONE:
# sources that are in no batch.
function(hotpair_library name)
  cmake_parse_arguments(ARG "" "BATCH" "SRCS;ALONE;DEPS" ${ARGN})
  if(ARG_SRCS)
    add_library(${name} STATIC ${ARG_SRCS} ${ARG_ALONE})
    set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    hotpair_batches(${name} "${ARG_BATCH}")
    target_link_libraries(${name} PUBLIC hotpair_options ${ARG_DEPS})
    hotpair_common_headers(${name})
    hotpair_fuzzed(${name})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE hotpair_options ${ARG_DEPS})
  endif()
endfunction()

# hotpair_program(hotpaird SRCS main.cc DEPS ...): lands in build/<preset>/bin and is installed.
function(hotpair_program name)
  cmake_parse_arguments(ARG "" "DESTINATION" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE hotpair_options ${ARG_DEPS})
  if(NOT ARG_DESTINATION)
    set(ARG_DESTINATION bin)
  endif()
  install(TARGETS ${name} RUNTIME DESTINATION ${ARG_DESTINATION})
endfunction()

# GoogleTest's headers are a fifth of what a test takes to compile: they are compiled once. The target is a program, since
# a precompiled header fits only where the code model is the same.
function(hotpair_test_headers)
  set(source ${PROJECT_BINARY_DIR}/generated/test_headers.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "int main() { return 0; }\n")
  add_executable(hotpair_test_headers ${source})
  target_link_libraries(hotpair_test_headers PRIVATE hotpair_options GTest::gtest GTest::gmock)
  target_compile_options(hotpair_test_headers PRIVATE -Wno-sign-conversion -O0
    $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
  target_precompile_headers(hotpair_test_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
endfunction()

# hotpair_test(mcast_gmp [BATCH 5] SRCS ... DEPS ... [LABELS root] [HEADERS stand.h]): one GoogleTest binary, one ctest entry. HEADERS
# that most of its sources include, and that are long to compile, are compiled once. What is tested is optimised as its preset
# says; the tests themselves are not, which halves the time that they take to compile, but for OPTIMIZED sources: those that run
# a model of their own for long.
function(hotpair_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;BATCH" "SRCS;OPTIMIZED;DEPS;LABELS;HEADERS" ${ARGN})
  add_executable(${name}_test ${ARG_OPTIMIZED} ${ARG_SRCS})
  hotpair_batches(${name}_test "${ARG_BATCH}")
  target_link_libraries(${name}_test PRIVATE hotpair_options ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_options(${name}_test PRIVATE -Wno-sign-conversion -O0)
  set_source_files_properties(${ARG_OPTIMIZED} PROPERTIES COMPILE_OPTIONS -O1 SKIP_PRECOMPILE_HEADERS ON)
  if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    if(NOT TARGET hotpair_test_headers)
      hotpair_test_headers()
    endif()
    if(ARG_HEADERS)
      list(TRANSFORM ARG_HEADERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
      target_precompile_headers(${name}_test PRIVATE <gmock/gmock.h> <gtest/gtest.h> ${ARG_HEADERS})
      target_compile_options(${name}_test PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    else()
      target_precompile_headers(${name}_test REUSE_FROM hotpair_test_headers)
    endif()
  endif()
  target_compile_definitions(${name}_test PRIVATE HOTPAIR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name}_test)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  if(ARG_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
  endif()
endfunction()

# hotpair_fuzzer(gmp_packet SRCS fuzz.cc DEPS ...): libFuzzer target, corpus in tests/fuzz/<folder>/corpus.
function(hotpair_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(fuzz_${name} ${ARG_SRCS})
  target_link_libraries(fuzz_${name} PRIVATE hotpair_options ${ARG_DEPS})
  hotpair_fuzzed(fuzz_${name})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()

# hotpair_bench(bulk SRCS ... DEPS ...): a program that prints one JSON document {bench, metrics[]}.
function(hotpair_bench name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(bench_${name} ${ARG_SRCS})
  target_link_libraries(bench_${name} PRIVATE hotpair_options ${ARG_DEPS})
endfunction()

# Adds every subfolder of the given folders that has a CMakeLists.txt.
function(hotpair_add_modules)
  foreach(top ${ARGN})
    file(GLOB lists CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${top}/*/CMakeLists.txt)
    foreach(list ${lists})
      get_filename_component(dir ${list} DIRECTORY)
      add_subdirectory(${dir})
    endforeach()
  endforeach()
endfunction()

# What cmake --install puts in place besides the programs: units, example configuration.
function(hotpair_install)
  set(packaging ${PROJECT_SOURCE_DIR}/scripts/packaging)
  if(EXISTS ${packaging}/CMakeLists.txt)
    add_subdirectory(${packaging})
  endif()
endfunction()
