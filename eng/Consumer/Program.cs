// What eng/consume.sh builds against the packages: public API only, as an application would write it.
using Diffusion;
using TorchSharp;
using static TorchSharp.torch;

try
{
    using Halver network = new();
    using Tensor x = ones(2, 3, 4, 4);
    using Tensor label = zeros(2);
    using Tensor classes = tensor(new long[] { 1, 2 });
    using Tensor result = network.forward(x, label, new Conditioning { ClassLabels = classes });
    Console.WriteLine($"consumed: {result.sum().ToSingle():0}");
    return 0;
}
catch (InvalidOperationException e)
{
    Console.WriteLine($"refused: {e.Message}");
    return 2;
}

internal sealed class Halver() : DenoisingNetwork("halver")
{
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition) => x / 2;
}
