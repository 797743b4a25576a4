# hotpair_capnp(checkpoint_schema values.capnp): compiles a schema of the current folder to C++ under
# <build>/generated/<folder>/ and adds the generated code to the target. Sources include it as
# "<folder>/values.capnp.h", after "checkpoint/schema/capnp.h".
include_guard(GLOBAL)
function(hotpair_capnp target schema)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(base ${PROJECT_BINARY_DIR}/generated)
  set(out ${base}/${folder}/${schema})
  file(MAKE_DIRECTORY ${base}/${folder})
  add_custom_command(
    OUTPUT ${out}.c++ ${out}.h
    COMMAND ${CAPNP_COMPILER} compile -oc++:${base} --src-prefix=${PROJECT_SOURCE_DIR}
            ${CMAKE_CURRENT_SOURCE_DIR}/${schema}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${schema}
    COMMENT "capnp ${folder}/${schema}"
    VERBATIM)
  target_sources(${target} PRIVATE ${out}.c++ ${out}.h)
  # Generated code and Cap'n Proto's headers do not meet our warnings.
  set_source_files_properties(${out}.c++ PROPERTIES
                              COMPILE_OPTIONS "-w;-include;${PROJECT_SOURCE_DIR}/checkpoint/schema/capnp.h"
                              SKIP_PRECOMPILE_HEADERS ON)
  get_target_property(includes PkgConfig::CAPNP INTERFACE_INCLUDE_DIRECTORIES)
  if(includes)
    target_include_directories(${target} SYSTEM PUBLIC ${includes})
  endif()
  target_include_directories(${target} SYSTEM PUBLIC ${base})
  target_link_libraries(${target} PUBLIC PkgConfig::CAPNP)
endfunction()
