/** In WSL the tool comes with the Windows driver, and a service or a desktop entry has no PATH that leads to it. */
export const nvidiaSmiOnLinux: readonly string[] = ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'];
