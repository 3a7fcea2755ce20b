using Diffusion.Data;

namespace Diffusion.Benchmarks;

/// <summary>Fifty batches of 64 pictures of 3×32×32 with random flips: TorchSharp's loader, and this library's, reading as it is asked and ahead.</summary>
public sealed class LoaderCases : IDisposable
{
    private const int Pictures = 4096, Batch = 64, Batches = 50;

    private readonly Tensor _pixels = randn(Pictures, 3, 32, 32).clamp_(-1, 1).DetachFromDisposeScope();
    private readonly TensorDataSet _data;
    private readonly DataLoader _direct, _ahead;
    private readonly TorchSharp.Modules.DataLoader _plain;

    public LoaderCases()
    {
        _data = new TensorDataSet(_pixels);
        DataLoader Loader(int prefetch) => new(_data, Batch, new DataLoaderOptions { Transforms = [new RandomHorizontalFlip()], Prefetch = prefetch });
        (_direct, _ahead) = (Loader(0), Loader(2));
        _plain = new TorchSharp.Modules.DataLoader(new PlainSet(_pixels), Batch, shuffle: true);
    }

    public void Plain()
    {
        var left = Batches;
        foreach (var batch in _plain)
        {
            foreach (var t in batch.Values) t.Dispose();
            if (--left == 0) break;
        }
    }

    public void Direct() => Read(_direct);

    public void Ahead() => Read(_ahead);

    public void Dispose()
    {
        _direct.Dispose();
        _ahead.Dispose();
        _plain.Dispose();
        _data.Dispose();
        _pixels.Dispose();
    }

    private static void Read(DataLoader loader)
    {
        for (var i = 0; i < Batches; i++)
        {
            using var scope = NewDisposeScope();
            loader.Next();
        }
    }

    private sealed class PlainSet(Tensor pixels) : utils.data.Dataset
    {
        public override long Count => Pictures;

        public override Dictionary<string, Tensor> GetTensor(long index)
        {
            var sample = pixels[index];
            return new() { ["x"] = Random.Shared.Next(2) == 0 ? sample : sample.flip(2) };
        }
    }
}
