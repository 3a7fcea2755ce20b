[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)] // libtorch uses every core itself, and tensors are counted

namespace Diffusion.Tests;

/// <summary>Counts the tensors that are alive in the process, after those that nobody refers to any more are gone.</summary>
internal static class LiveTensors
{
    public static long Count()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount;
    }
}
