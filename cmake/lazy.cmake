# Libraries that a program opens when it first calls them, not when it starts: `sluice build` of one file would
# otherwise wait for libcurl's thirty dependencies. docs/adr/0021-lazy-libraries.md says how and why.
#
# sluice_lazy(TARGET MODULES module... LIBRARIES library...): the calls that the modules make into the libraries (names
# from libraries.cmake) go through stubs; as nothing else of them is then undefined, the linker leaves them out.
# Elsewhere than on x86-64, and with sanitizers, TARGET is linked as usual.
enable_language(ASM)

function(sluice_lazy target)
  cmake_parse_arguments(ARG "" "" "MODULES;LIBRARIES" ${ARGN})
  if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" OR SLUICE_SANITIZE OR SLUICE_FUZZ OR NOT CMAKE_CXX_COMPILER_AR)
    return()
  endif()
  string(REGEX REPLACE "ar(-[0-9]+)?$" "nm\\1" nm "${CMAKE_CXX_COMPILER_AR}")  # gcc-nm reads LTO objects, nm does not
  if(NOT EXISTS "${nm}")
    return()
  endif()
  set(files)
  foreach(library IN LISTS ARG_LIBRARIES)
    get_target_property(linked PkgConfig::PC_${library} INTERFACE_LINK_LIBRARIES)
    list(GET linked 0 file)
    list(APPEND files ${file})
  endforeach()
  set(archives)
  set(modules)
  foreach(module IN LISTS ARG_MODULES)
    get_target_property(type sluice_${module} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
      list(APPEND archives "$<TARGET_FILE:sluice_${module}>")
      list(APPEND modules sluice_${module})
    endif()
  endforeach()
  set(stubs ${PROJECT_BINARY_DIR}/${target}_lazy.S)
  add_custom_command(OUTPUT ${stubs}
    COMMAND ${CMAKE_COMMAND} "-DNM=${nm}" "-DOBJDUMP=${CMAKE_OBJDUMP}" "-DLIBRARIES=${files}" "-DARCHIVES=${archives}"
            "-DOUT=${stubs}" -P ${PROJECT_SOURCE_DIR}/cmake/lazy/stubs.cmake
    DEPENDS ${modules} ${PROJECT_SOURCE_DIR}/cmake/lazy/stubs.cmake
    COMMENT "Writing stubs for ${ARG_LIBRARIES}" VERBATIM)
  target_sources(${target} PRIVATE ${stubs} ${PROJECT_SOURCE_DIR}/cmake/lazy/open.cpp)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/cmake/lazy/open.cpp PROPERTIES COMPILE_OPTIONS -fno-lto)
  target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
  target_link_options(${target} PRIVATE -Wl,--as-needed)
  # No library that is left needs libstdc++, unless an archive of one is missing.
  if(NOT SLUICE_NO_STATIC_CXX)
    set_target_properties(${target} PROPERTIES SLUICE_STATIC_CXX ON)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()
