/** Where a machine is looked at: this one's own files and its nvidia-smi, unless told. */
export interface MachineView {
  /** Folder that holds `proc` and `sys`. */
  readonly root?: string;
  /** The program that is asked about GPUs; null where there is nothing to ask. */
  readonly nvidiaSmi?: string | null;
}
