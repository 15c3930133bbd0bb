# OpenGL and EGL declarations, generated at build time by the distribution's
# python3-glad (version 2). Nothing generated is kept in the tree.
#
# sporkle_find_glad(OUT_VARIABLE): sets it to TRUE when the generator is usable,
# else to FALSE and SPORKLE_GLAD_REASON to the reason.
function(sporkle_find_glad out)
  set(${out} FALSE PARENT_SCOPE)
  # The distribution's interpreter: another python3 in PATH does not see the
  # distribution's modules.
  find_program(SPORKLE_GLAD_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
  if(NOT SPORKLE_GLAD_PYTHON)
    set(SPORKLE_GLAD_REASON "/usr/bin/python3 not found: apt-get install python3-glad" PARENT_SCOPE)
    return()
  endif()
  # Version 1 has another command line; only version 2 has a `c` generator with --mx.
  execute_process(COMMAND ${SPORKLE_GLAD_PYTHON} -m glad --api gl:core=4.5 --out-path . c --help
    OUTPUT_VARIABLE help ERROR_VARIABLE ignored RESULT_VARIABLE result)
  if(NOT result EQUAL 0 OR NOT help MATCHES "--mx")
    set(SPORKLE_GLAD_REASON "glad 2 not found: apt-get install python3-glad" PARENT_SCOPE)
    return()
  endif()
  set(${out} TRUE PARENT_SCOPE)
endfunction()

set(SPORKLE_GLAD_GL_EXTENSIONS
  GL_ARB_buffer_storage GL_ARB_robustness GL_EXT_memory_object GL_KHR_debug
  GL_KHR_parallel_shader_compile GL_KHR_robustness)
# EGL_MESA_device_software is unknown to glad 2.0; it is tested by name only.
set(SPORKLE_GLAD_EGL_EXTENSIONS
  EGL_EXT_client_extensions EGL_EXT_device_base EGL_EXT_device_drm EGL_EXT_device_drm_render_node
  EGL_EXT_device_enumeration EGL_EXT_device_query EGL_EXT_platform_base EGL_EXT_platform_device
  EGL_KHR_display_reference EGL_KHR_no_config_context EGL_KHR_surfaceless_context
  EGL_MESA_platform_surfaceless EGL_NV_device_cuda)

# sporkle_generate_glad(DIRECTORY): custom commands that write
# DIRECTORY/include/glad/{gl,egl}.h; sets SPORKLE_GLAD_HEADERS.
function(sporkle_generate_glad directory)
  list(JOIN SPORKLE_GLAD_GL_EXTENSIONS "," gl_extensions)
  list(JOIN SPORKLE_GLAD_EGL_EXTENSIONS "," egl_extensions)
  # --reproducible keeps glad from fetching specifications over the network.
  set(glad ${SPORKLE_GLAD_PYTHON} -m glad --out-path ${directory} --reproducible --quiet)
  add_custom_command(OUTPUT ${directory}/include/glad/gl.h
    COMMAND ${glad} --api gl:core=4.5 --extensions ${gl_extensions} c --mx --header-only
    COMMENT "Generating OpenGL declarations (glad)" VERBATIM)
  add_custom_command(OUTPUT ${directory}/include/glad/egl.h
    COMMAND ${glad} --api egl=1.5 --extensions ${egl_extensions} c --header-only
    COMMENT "Generating EGL declarations (glad)" VERBATIM)
  set(SPORKLE_GLAD_HEADERS ${directory}/include/glad/gl.h ${directory}/include/glad/egl.h
      PARENT_SCOPE)
endfunction()
