/** Drivers put it into System32; until 2020 it was in NVSMI. */
export const nvidiaSmiOnWindows: readonly string[] = [
  'nvidia-smi.exe',
  String.raw`C:\Program Files\NVIDIA Corporation\NVSMI\nvidia-smi.exe`,
];
