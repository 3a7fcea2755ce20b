using Diffusion.Networks;

namespace Diffusion.Benchmarks;

/// <summary>
/// Where the time of a forward and backward pass goes: every kind of layer of the U-Net, at the sizes at which the network calls it, alone. What no layer
/// explains is "the rest". Beside it the rate of the convolutions and the greatest rate that one of them reaches in the same run.
/// </summary>
public static class LayerTimes
{
    private sealed record Work(string Kind, string Name, double Operations, int Count, Action Run);

    public static void Print(BenchmarkOptions options, TrainingCases cases)
    {
        var works = Works(options).ToList();
        var whole = Interleaved.Measure(options, [cases.PlainForwardBackward, .. works.Select(w => w.Run)]);
        var (total, times) = (whole[0], whole[1..]);
        var peak = works.Zip(times).Where(w => w.First.Kind == "convolution").Max(w => w.First.Operations / w.Second);
        Console.WriteLine("| part of forward+backward, plain | ms | share | rate |\n| --- | --- | --- | --- |");
        var rest = total;
        foreach (var kind in works.GroupBy(w => w.Kind))
        {
            var milliseconds = works.Zip(times).Where(w => w.First.Kind == kind.Key).Sum(w => w.First.Count * w.Second);
            var operations = kind.Sum(w => w.Count * w.Operations);
            rest -= milliseconds;
            Console.WriteLine(FormattableString.Invariant(
                $"| {kind.Key} | {milliseconds:f0} | {milliseconds / total:p0} | {(operations > 0 ? FormattableString.Invariant($"{operations / milliseconds / 1e6:f0} GFLOP/s, {operations / milliseconds / peak:p0} of the peak of {peak / 1e6:f0}") : "")} |"));
        }

        Console.WriteLine(FormattableString.Invariant($"| the rest | {rest:f0} | {rest / total:p0} | |\n| whole | {total:f0} | | |"));
    }

    // The layers of the network of the benchmark, from its shape: two blocks a level down, three up, two in the middle.
    private static IEnumerable<Work> Works(BenchmarkOptions options)
    {
        var (config, batch, device) = (options.Config, options.Batch, options.Device);
        var channels = config.BlockOutChannels;
        var convolutions = new Dictionary<(long In, long Out, long Side, int Kernel, int Stride), int>();
        var norms = new Dictionary<(long Channels, long Side), int>();
        var attentions = new Dictionary<(long Channels, long Side), int>();
        void Count<TKey>(Dictionary<TKey, int> of, TKey key) where TKey : notnull => of[key] = of.GetValueOrDefault(key) + 1;
        void Block(long from, long to, long side, bool attention)
        {
            Count(norms, (from, side));
            Count(norms, (to, side));
            Count(convolutions, (from, to, side, 3, 1));
            Count(convolutions, (to, to, side, 3, 1));
            if (from != to) Count(convolutions, (from, to, side, 1, 1));
            if (attention) Count(attentions, (to, side));
        }

        long side = 32;
        var last = channels.Length - 1;
        Count(convolutions, (3, channels[0], side, 3, 1));
        Count(convolutions, (channels[0], 3, side, 3, 1));
        Count(norms, (channels[0], side));
        for (var i = 0; i <= last; i++)
        {
            for (var layer = 0; layer < 2; layer++) Block(layer == 0 ? channels[Math.Max(i - 1, 0)] : channels[i], channels[i], side, config.DownBlockTypes[i] == UNetBlockType.Attention);
            if (i < last) Count(convolutions, (channels[i], channels[i], side, 3, 2));
            if (i < last) side /= 2;
        }

        for (var layer = 0; layer < 2; layer++) Block(channels[last], channels[last], side, layer == 0);
        for (var i = last; i >= 0; i--)
        {
            for (var layer = 0; layer < 3; layer++)
                Block((layer == 0 ? channels[Math.Min(i + 1, last)] : channels[i]) + (layer == 2 ? channels[Math.Max(i - 1, 0)] : channels[i]), channels[i], side, config.UpBlockTypes[last - i] == UNetBlockType.Attention);
            if (i > 0) side *= 2;
            if (i > 0) Count(convolutions, (channels[i], channels[i], side, 3, 1));
        }

        foreach (var ((from, to, at, kernel, stride), count) in convolutions)
        {
            var (x, weight) = (Leaf(batch, from, at, at), Leaf(to, from, kernel, kernel));
            yield return new Work("convolution", $"{from} to {to}", 6.0 * batch * from * to * kernel * kernel * (at / stride) * (at / stride), count,
                () => Backward(nn.functional.conv2d(x, weight, strides: [stride, stride], padding: [kernel / 2, kernel / 2]), x, weight));
        }

        foreach (var ((width, at), count) in norms)
        {
            var (x, weight, bias) = (Leaf(batch, width, at, at), Leaf(width), Leaf(width));
            yield return new Work("normalisation", $"{width}", 0, count, () => Backward(nn.functional.group_norm(x, 32, weight, bias, 1e-6), x, weight, bias));
            yield return new Work("elementwise (activation and one sum)", $"{width}", 0, count, () => Backward(nn.functional.silu(x) + x, x));
        }

        foreach (var ((width, at), count) in attentions)
        {
            var (x, weight) = (Leaf(batch, at * at, width), Leaf(width, width));
            yield return new Work("attention (four products and the softmax)", $"{width}", 6.0 * batch * at * at * width * (4 * width + 2 * at * at), count, () =>
            {
                Tensor Product(Tensor t) => nn.functional.linear(t, weight);
                Backward(Product(nn.functional.scaled_dot_product_attention(Product(x), Product(x), Product(x))), x, weight);
            });
        }

        Tensor Leaf(params long[] shape) => (randn(shape, device: device) * 0.05).detach().requires_grad_(true);
    }

    private static void Backward(Tensor y, params Tensor[] leaves)
    {
        y.backward([ones_like(y)]);
        foreach (var leaf in leaves) leaf.grad = null;
    }
}
