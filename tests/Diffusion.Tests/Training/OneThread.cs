namespace Diffusion.Tests.Training;

/// <summary>One thread for libtorch while it lives: tensors this small gain nothing from more, and on a busy machine threads wait for each other.</summary>
internal sealed class OneThread : IDisposable
{
    private readonly int _threads = get_num_threads();

    public OneThread() => set_num_threads(1);

    public void Dispose() => set_num_threads(_threads);
}
